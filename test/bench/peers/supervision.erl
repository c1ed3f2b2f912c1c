%% The benchmarks of supervision in Erlang; each prints what it measured, and the work that it did.
-module(supervision).
-export([restart/1, start_children/1, scaling/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_continue/2, start_worker/1, start_worker/2]).

%% ---- a worker, and a supervisor

init({worker, none}) -> {ok, none};
%% It is up when its supervisor knows that it has started, and not while it still starts.
init({worker, Tester}) -> {ok, none, {continue, {up, Tester}}};
init({supervisor, Strategy, Children}) ->
    {ok, {#{strategy => Strategy, intensity => 1000000000, period => 1}, Children}}.

handle_call(_Request, _From, State) -> {reply, ok, State}.

handle_cast(crash, State) -> {stop, crashed, State}.

handle_continue({up, Tester}, State) ->
    Tester ! {up, self()},
    {noreply, State}.

start_worker(Tester) -> gen_server:start_link(?MODULE, {worker, Tester}, []).

%% With the number of the child, which only tells it apart.
start_worker(Tester, _Number) -> start_worker(Tester).

start_supervisor(Strategy, Children) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, Strategy, Children}),
    Supervisor.

stop_supervisor(Supervisor) ->
    unlink(Supervisor),
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, process, Supervisor, _} -> ok end.

seconds(Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    (erlang:monotonic_time(nanosecond) - Start) / 1.0e9.

count(Supervisor, Key) ->
    proplists:get_value(Key, supervisor:count_children(Supervisor)).

numbers(Texts) ->
    logger:set_primary_config(level, none),
    [list_to_integer(Text) || Text <- Texts].

%% ---- restart: each supervisor has its one child crash, and be killed, so many times

restart(Texts) ->
    [Supervisors, Times] = numbers(Texts),
    Crash = fun(Pid) -> gen_server:cast(Pid, crash) end,
    Kill = fun(Pid) -> exit(Pid, kill) end,
    {Crashed, CrashTook} = ended(Crash, Supervisors, Times),
    {Killed, KillTook} = ended(Kill, Supervisors, Times),
    Count = Supervisors * Times,
    io:format("{\"measured\":{\"crash\":~.3f,\"kill\":~.3f},\"proof\":{\"crashed\":~b,\"killed\":~b}}~n",
        [Count / CrashTook, Count / KillTook, Crashed, Killed]),
    halt(0).

ended(End, Supervisors, Times) ->
    Parts = [ended_under_one(End, Times) || _ <- lists:seq(1, Supervisors)],
    {lists:sum([Count || {Count, _} <- Parts]), lists:sum([Took || {_, Took} <- Parts])}.

ended_under_one(End, Times) ->
    Child = #{id => worker, start => {?MODULE, start_worker, [self()]}},
    Supervisor = start_supervisor(one_for_one, [Child]),
    First = receive {up, Pid} -> Pid end,
    Took = seconds(fun() -> put(ended, again(End, First, Times, 0)) end),
    stop_supervisor(Supervisor),
    {get(ended), Took}.

again(_End, _Pid, 0, Ended) -> Ended;
again(End, Pid, Left, Ended) ->
    End(Pid),
    receive {up, Next} when Next =/= Pid -> again(End, Next, Left - 1, Ended + 1) end.

%% ---- children: start them one by one, look each up, and stop them with their supervisor

start_children(Texts) ->
    [Dynamic, Count] = numbers(Texts),
    {Started, Found, Left, Start, _Find, Stop} = children(Dynamic, Count),
    io:format("{\"measured\":{\"start\":~.3f,\"stop\":~.3f},\"proof\":{\"started\":~b,\"found\":~b,\"left\":~b}}~n",
        [Count / Start, Count / Stop, Started, Found, Left]),
    halt(0).

children(Dynamic, Count) ->
    Supervisor = supervisor_of(Dynamic),
    Before = erlang:system_info(process_count),
    Start = seconds(fun() -> start_each(Dynamic, Supervisor, 1, Count) end),
    Started = count(Supervisor, active),
    Find = seconds(fun() -> put(found, find_each(Dynamic, Supervisor, 1, Count, 0)) end),
    Stop = seconds(fun() -> stop_supervisor(Supervisor) end),
    {Started, get(found), erlang:system_info(process_count) - Before + 1, Start, Find, Stop}.

supervisor_of(1) ->
    Child = #{id => worker, start => {?MODULE, start_worker, [none]}},
    start_supervisor(simple_one_for_one, [Child]);
supervisor_of(0) -> start_supervisor(one_for_one, []).

start_each(_Dynamic, _Supervisor, N, Count) when N > Count -> ok;
start_each(Dynamic, Supervisor, N, Count) ->
    {ok, _} =
        case Dynamic of
            1 -> supervisor:start_child(Supervisor, [N]);
            0 -> supervisor:start_child(Supervisor, #{id => N, start => {?MODULE, start_worker, [none]}})
        end,
    start_each(Dynamic, Supervisor, N + 1, Count).

%% The children of a simple_one_for_one have no ids to look up.
find_each(1, _Supervisor, _N, Count, _Found) -> Count;
find_each(0, _Supervisor, N, Count, Found) when N > Count -> Found;
find_each(0, Supervisor, N, Count, Found) ->
    {ok, #{id := N}} = supervisor:get_childspec(Supervisor, N),
    find_each(0, Supervisor, N + 1, Count, Found + 1).

%% ---- scaling: by which factor many take longer than few, of which the mean of several runs counts

scaling(Texts) ->
    [Few, Many, Runs] = numbers(Texts),
    [children(0, Few) || _ <- lists:seq(1, Runs)],
    FewRuns = [children(0, Few) || _ <- lists:seq(1, Runs)],
    {Started, Found, Left, Start, Find, Stop} = children(0, Many),
    io:format(
        "{\"measured\":{\"start\":~.3f,\"find\":~.3f,\"stop\":~.3f},\"proof\":{\"started\":~b,\"found\":~b,\"left\":~b}}~n",
        [Start / mean(4, FewRuns), Find / mean(5, FewRuns), Stop / mean(6, FewRuns), Started, Found, Left]),
    halt(0).

mean(Position, Runs) ->
    lists:sum([element(Position, Run) || Run <- Runs]) / length(Runs).
