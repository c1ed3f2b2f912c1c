%% Benchmarks of the Savina suite in Erlang; each prints what it measured, and the work that it did.
-module(savina).
-export([big/1]).

numbers(Texts) -> [list_to_integer(Text) || Text <- Texts].

%% The random numbers that all languages have: the one after this one.
next(Number) -> (Number * 1309 + 13849) band 65535.

seconds(Start) -> (erlang:monotonic_time(nanosecond) - Start) / 1.0e9.

start() -> erlang:monotonic_time(nanosecond).

%% ---- big: many processes that ping others at random, and answer their pings

big(Texts) ->
    [Members, Each] = numbers(Texts),
    Sink = self(),
    Pids = [spawn_link(fun() -> receive {start, All} -> member(Sink, All, Number, Members, Each) end end)
        || Number <- lists:seq(0, Members - 1)],
    All = list_to_tuple(Pids),
    Start = start(),
    [Pid ! {start, All} || Pid <- Pids],
    Done = [receive {done, Count, Sum} -> {Count, Sum} end || _ <- Pids],
    Took = seconds(Start),
    io:format("{\"measured\":{\"pings\":~.3f},\"proof\":{\"returned\":~b,\"sum\":~b}}~n",
        [Members * Each / Took, lists:sum([Count || {Count, _} <- Done]), lists:sum([Sum || {_, Sum} <- Done])]),
    halt(0).

member(Sink, All, Number, Members, Each) ->
    Random = ping(All, Number, Members, next(Number)),
    member(Sink, All, Number, Members, Each, Random, 0, 0).

member(Sink, All, Number, Members, Each, Random, Count, Sum) ->
    receive
        {ping, From} ->
            From ! {pong, Number},
            member(Sink, All, Number, Members, Each, Random, Count, Sum);
        {pong, From} when Count + 1 =:= Each ->
            Sink ! {done, Each, Sum + From},
            member(Sink, All, Number, Members, Each, Random, Each, Sum + From);
        {pong, From} ->
            Next = ping(All, Number, Members, next(Random)),
            member(Sink, All, Number, Members, Each, Next, Count + 1, Sum + From)
    end.

ping(All, Number, Members, Random) ->
    element((Number + 1 + Random rem (Members - 1)) rem Members + 1, All) ! {ping, self()},
    Random.
