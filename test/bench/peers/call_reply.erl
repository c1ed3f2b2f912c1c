%% A client that calls a gen_server for an answer: one call after the other, or so many outstanding.
%% Prints the measurement and the proof of the work as JSON.
-module(call_reply).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

init([]) -> {ok, 0}.

handle_call({add, N}, _From, Total) -> {reply, N + 1, Total + N}.

handle_cast(_, Total) -> {noreply, Total}.

main([CountText, OutstandingText]) ->
    Count = list_to_integer(CountText),
    Outstanding = list_to_integer(OutstandingText),
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Start = erlang:monotonic_time(nanosecond),
    {Answered, Sum} = run(Server, Count, Outstanding),
    Took = (erlang:monotonic_time(nanosecond) - Start) / 1.0e9,
    io:format("{\"measured\":{\"calls\":~.3f},\"proof\":{\"answered\":~b,\"sum\":~b}}~n",
              [Count / Took, Answered, Sum]),
    halt(0).

run(Server, Count, 1) -> sequential(Server, 0, Count, 0, 0);
run(Server, Count, Outstanding) ->
    Self = self(),
    Each = Count div Outstanding,
    [spawn(fun() -> Self ! sequential(Server, Client * Each, (Client + 1) * Each, 0, 0) end)
     || Client <- lists:seq(0, Outstanding - 1)],
    lists:foldl(fun(_, {Answered, Sum}) -> receive {A, S} -> {Answered + A, Sum + S} end end,
                {0, 0}, lists:seq(1, Outstanding)).

sequential(_Server, Count, Count, Answered, Sum) -> {Answered, Sum};
sequential(Server, I, Count, Answered, Sum) ->
    Answer = gen_server:call(Server, {add, I}),
    sequential(Server, I + 1, Count, Answered + 1, Sum + Answer).
