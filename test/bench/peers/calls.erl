%% The benchmark of calls in Erlang: calls:main([Count, Callers]) prints what it measured, and the work that it did.
-module(calls).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

init([]) -> {ok, 0}.

%% The answer is the number of the call and how many were answered before.
handle_call({add, N}, _From, Sum) -> {reply, N + 1, Sum + N};
handle_call(sum, _From, Sum) -> {reply, Sum, Sum}.

handle_cast(_Message, Sum) -> {noreply, Sum}.

main([CountText, CallersText]) ->
    Count = list_to_integer(CountText),
    Callers = list_to_integer(CallersText),
    {ok, Server} = gen_server:start_link(?MODULE, [], []),
    Each = Count div Callers,
    Start = erlang:monotonic_time(nanosecond),
    Answered =
        case Callers of
            1 -> call(Server, Each, 0);
            _ -> concurrently(Server, Callers, Each)
        end,
    Took = (erlang:monotonic_time(nanosecond) - Start) / 1.0e9,
    Sum = gen_server:call(Server, sum),
    io:format("{\"measured\":{\"calls\":~.3f},\"proof\":{\"answered\":~b,\"sum\":~b}}~n", [Count / Took, Answered, Sum]),
    halt(0).

concurrently(Server, Callers, Each) ->
    Self = self(),
    Pids = [spawn_link(fun() -> Self ! {self(), call(Server, Each, 0)} end) || _ <- lists:seq(1, Callers)],
    lists:sum([receive {Pid, Answered} -> Answered end || Pid <- Pids]).

%% Numbers go from 0 to Each - 1 in each caller; an answer counts if it is the one to its call.
call(Server, Each, N) when N < Each ->
    Next = N + 1,
    case gen_server:call(Server, {add, N}) of
        Next -> call(Server, Each, Next);
        _ -> N
    end;
call(_Server, _Each, N) -> N.
