%% By which factor a message takes longer in Erlang where much else is there, which it has nothing to do with:
%% linear:main([FewProcesses, ManyProcesses, FewQueued, ManyQueued, FewMonitors, ManyMonitors, Each, Runs]) prints it,
%% and the work that it did.
-module(linear).
-export([main/1]).

main(Texts) ->
    [FewProcesses, ManyProcesses, FewQueued, ManyQueued, FewMonitors, ManyMonitors, Each, Runs] =
        [list_to_integer(Text) || Text <- Texts],
    Ponger = spawn_link(fun ponger/0),
    Exchange = fun() -> exchange(Ponger, Each, 0) end,

    Before = erlang:system_info(process_count),
    {ByProcesses, Returned} =
        factor(
            Exchange,
            Runs,
            fun() -> put(few, park(FewProcesses)) end,
            fun() -> put(many, park(ManyProcesses - FewProcesses)) end),
    Alive = erlang:system_info(process_count) - Before,
    {Watched, Others} = lists:split(ManyMonitors, erase(few) ++ erase(many)),
    [exit(Pid, kill) || Pid <- Others],

    {First, Rest} = lists:split(FewMonitors, Watched),
    {ByMonitors, ReturnedMore} = factor(Exchange, Runs, fun() -> watch(First) end, fun() -> watch(Rest) end),
    Exits = length([kill(Pid) || Pid <- Watched]),

    {ByQueued, Passed, Waiting, Drained} = queued(FewQueued, ManyQueued, Each, Runs),

    io:format(
        "{\"measured\":{\"processes\":~.3f,\"queued\":~.3f,\"monitors\":~.3f},"
        "\"proof\":{\"returned\":~b,\"exits\":~b,\"taken\":~b,\"waiting\":~b,\"alive\":~b}}~n",
        [ByProcesses, ByQueued, ByMonitors, Returned + ReturnedMore, Exits, Passed + Drained, Waiting, Alive]),
    halt(0).

%% By which factor a run takes longer after the second effect than after the first, and how much all runs did.
factor(Run, Runs, HaveFew, HaveMany) ->
    HaveFew(),
    {Few, DoneWithFew} = mean(Run, Runs),
    HaveMany(),
    {Many, DoneWithMany} = mean(Run, Runs),
    {Many / Few, DoneWithFew + DoneWithMany}.

%% How long a run takes, warmed up.
mean(Run, Runs) ->
    erlang:garbage_collect(),
    Warm = [Run() || _ <- lists:seq(1, Runs)],
    Start = erlang:monotonic_time(nanosecond),
    Done = [Run() || _ <- lists:seq(1, Runs)],
    {(erlang:monotonic_time(nanosecond) - Start) / Runs, lists:sum(Warm) + lists:sum(Done)}.

exchange(_Ponger, Each, Each) -> Each;
exchange(Ponger, Each, Returned) ->
    Ponger ! {ball, self(), Returned},
    receive {ball, Returned} -> exchange(Ponger, Each, Returned + 1) end.

ponger() ->
    receive
        {ball, From, Number} ->
            From ! {ball, Number},
            ponger()
    end.

park(Count) -> [spawn(fun() -> receive tick -> ok end end) || _ <- lists:seq(1, Count)].

watch(Pids) -> [monitor(process, Pid) || Pid <- Pids].

kill(Pid) ->
    exit(Pid, kill),
    receive {'DOWN', _, process, Pid, killed} -> Pid end.

%% In a process of its own, whose messages are kept apart from its heap, as long queues want.
queued(Few, Many, Each, Runs) ->
    Self = self(),
    spawn_opt(
        fun() ->
            put(sent, 0),
            put(taken, 0),
            Pass = fun() -> pass(Each, get(sent), get(taken)) end,
            {By, Passed} = factor(Pass, Runs, fun() -> send(Few) end, fun() -> send(Many - Few) end),
            {message_queue_len, Waiting} = process_info(self(), message_queue_len),
            Self ! {queued, {By, Passed, Waiting, drain(get(taken), 0)}}
        end,
        [link, {message_queue_data, off_heap}]),
    receive {queued, Result} -> Result end.

%% Sends itself so many messages; each has its number.
send(0) -> ok;
send(Left) ->
    self() ! {ball, put(sent, get(sent) + 1)},
    send(Left - 1).

%% Sends a message and takes the oldest one, which has to be the next number, so often.
pass(Each, Sent, Taken) ->
    pass(Each, Sent, Taken, 0).

pass(Each, Sent, Taken, Each) ->
    put(sent, Sent),
    put(taken, Taken),
    Each;
pass(Each, Sent, Taken, Passed) ->
    self() ! {ball, Sent},
    receive {ball, Number} when Number =:= Taken -> pass(Each, Sent + 1, Taken + 1, Passed + 1) end.

drain(Taken, Drained) ->
    receive
        {ball, Taken} -> drain(Taken + 1, Drained + 1)
    after 0 -> Drained
    end.
