%% The benchmarks of processes in Erlang; each prints what it measured, and the work that it did.
-module(processes).
-export([ping_pong/1, thread_ring/1, fan_in/1, spawn_exit/1, skynet/1, million/1]).

numbers(Texts) -> [list_to_integer(Text) || Text <- Texts].

%% How many seconds the work takes, and what it answers. The first time, which grows the heaps, does not count.
timed(Work) ->
    Work(),
    seconds(Work).

seconds(Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Result = Work(),
    {(erlang:monotonic_time(nanosecond) - Start) / 1.0e9, Result}.

print(Measured, Proof) ->
    Figures = lists:join(",", [io_lib:format("\"~s\":~.9f", [Name, Figure]) || {Name, Figure} <- Measured]),
    Counts = lists:join(",", [io_lib:format("\"~s\":~b", [Name, Count]) || {Name, Count} <- Proof]),
    io:format("{\"measured\":{~s},\"proof\":{~s}}~n", [Figures, Counts]),
    halt(0).

%% ---- two processes, and a message that goes back and forth

ping_pong(Texts) ->
    [Count] = numbers(Texts),
    Self = self(),
    {Took, Returned} = timed(fun() -> ping(spawn(fun() -> pong(Self) end), 0, Count, 0) end),
    print([{"round trips", Count / Took}], [{returned, Returned}]).

ping(_Ponger, Count, Count, Returned) -> Returned;
ping(Ponger, N, Count, Returned) ->
    Ponger ! N,
    receive
        N -> ping(Ponger, N + 1, Count, Returned + 1);
        _ -> ping(Ponger, N + 1, Count, Returned)
    end.

pong(Pinger) ->
    receive N -> Pinger ! N end,
    pong(Pinger).

%% ---- a ring of processes, and a token that counts its hops

thread_ring(Texts) ->
    [Size, Hops] = numbers(Texts),
    Next = ring(self(), Size - 1),
    {Took, Arrived} = timed(fun() -> head(Next, 0, Hops) end),
    print([{hops, Hops / Took}], [{hops, Arrived}]).

ring(Next, 0) -> Next;
ring(Next, Left) -> ring(spawn(fun() -> member(Next) end), Left - 1).

head(_Next, Arrived, Hops) when Arrived >= Hops -> Arrived;
head(Next, Arrived, Hops) ->
    Next ! Arrived + 1,
    receive Token -> head(Next, Token, Hops) end.

member(Next) ->
    receive Token -> Next ! Token + 1 end,
    member(Next).

%% ---- many that send to one

fan_in(Texts) ->
    [Senders, Each] = numbers(Texts),
    Messages = Senders * Each,
    Self = self(),
    %% It is what is faster, but for one sender on a scheduler of its own.
    OffHeap = Senders > 1 orelse erlang:system_info(schedulers) =:= 1,
    process_flag(message_queue_data, case OffHeap of true -> off_heap; false -> on_heap end),
    {Took, {Received, Sum}} = timed(fun() ->
        [spawn(fun() -> send(Self, 0, Each) end) || _ <- lists:seq(1, Senders)],
        sum(Messages, 0, 0)
    end),
    print([{messages, Messages / Took}], [{received, Received}, {sum, Sum}]).

send(_To, Each, Each) -> ok;
send(To, N, Each) ->
    To ! N,
    send(To, N + 1, Each).

sum(Messages, Messages, Sum) -> {Messages, Sum};
sum(Messages, Received, Sum) ->
    receive N -> sum(Messages, Received + 1, Sum + N) end.

%% ---- processes that begin and end one after the other

spawn_exit(Texts) ->
    [Count] = numbers(Texts),
    {Took, Ended} = timed(fun() -> spawn_each(Count, 0) end),
    print([{processes, Count / Took}], [{ended, Ended}]).

spawn_each(0, Ended) -> Ended;
spawn_each(Left, Ended) ->
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive
        {'DOWN', Monitor, process, Pid, normal} -> spawn_each(Left - 1, Ended + 1);
        {'DOWN', Monitor, process, Pid, _} -> spawn_each(Left - 1, Ended)
    end.

%% ---- a tree of processes, whose leaves send their numbers up

skynet(Texts) ->
    [Leaves, FanOut] = numbers(Texts),
    Self = self(),
    {Took, Sum} = timed(fun() ->
        spawn(fun() -> node(Self, FanOut, 0, Leaves) end),
        receive Sum -> Sum end
    end),
    print([{time, Took}], [{sum, Sum}]).

node(Parent, _FanOut, First, 1) -> Parent ! First;
node(Parent, FanOut, First, Size) ->
    spawn_children(self(), FanOut, First, Size div FanOut, FanOut),
    {_, Sum} = sum(FanOut, 0, 0),
    Parent ! Sum.

spawn_children(_Self, _FanOut, _First, _Part, 0) -> ok;
spawn_children(Self, FanOut, First, Part, Left) ->
    spawn(fun() -> node(Self, FanOut, First, Part) end),
    spawn_children(Self, FanOut, First + Part, Part, Left - 1).

%% ---- very many processes that wait; each gets a message, and ends

%% It is measured the first time: later ones find the memory of those that have ended. Sending and ending can't be told
%% apart, since processes take their messages, and end, while others are sent to.
million(Texts) ->
    [Count] = numbers(Texts),
    Received = counters:new(1, [write_concurrency]),
    persistent_term:put(received, Received),
    Before = memory(),
    Processes = erlang:system_info(process_count),
    {Start, Pids} = seconds(fun() ->
        Pids = spawn_parked(Count, []),
        wait(fun() -> erlang:statistics(total_run_queue_lengths) =:= 0 end),
        Pids
    end),
    Memory = memory() - Before,
    {SendAndEnd, Sent} = seconds(fun() ->
        Sent = tick(Pids, 0),
        wait(fun() -> erlang:system_info(process_count) =< Processes end),
        Sent
    end),
    Live = erlang:system_info(process_count) - Processes,
    print([{memory, Memory / Count}, {start, Start}, {"send and end", SendAndEnd}],
        [{sent, Sent}, {received, counters:get(Received, 1)}, {live, Live}]).

spawn_parked(0, Pids) -> Pids;
spawn_parked(Left, Pids) -> spawn_parked(Left - 1, [spawn(fun parked/0) | Pids]).

parked() ->
    receive tick -> counters:add(persistent_term:get(received), 1, 1) end.

tick([], Sent) -> Sent;
tick([Pid | Pids], Sent) ->
    Pid ! tick,
    tick(Pids, Sent + 1).

memory() ->
    erlang:garbage_collect(),
    erlang:memory(total).

wait(Condition) ->
    case Condition() of
        true -> ok;
        false ->
            erlang:yield(),
            wait(Condition)
    end.
