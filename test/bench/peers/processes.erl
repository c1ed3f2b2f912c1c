%% The benchmarks of processes in Erlang; each prints what it measured, and the work that it did.
-module(processes).
-export([ping_pong/1]).

numbers(Texts) -> [list_to_integer(Text) || Text <- Texts].

%% How many seconds the work takes, and what it answers. The first time, which grows the heaps, does not count.
timed(Work) ->
    Work(),
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
    {Took, Returned} = timed(fun() -> ping(spawn_link(fun() -> pong(Self) end), 0, Count, 0) end),
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
