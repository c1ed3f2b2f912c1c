%% How long a message is underway in Erlang while others keep the schedulers busy: latency:main([Pairs, Samples, Warm, Least])
%% prints what it measured, and the work that it did.
-module(latency).
-export([main/1]).

main(Texts) ->
    [Pairs, Samples, Warm, Least] = [list_to_integer(Text) || Text <- Texts],
    Self = self(),
    Pingers = [spawn_link(fun() -> pinger(spawn_link(fun ponger/0), 0, Warm, Self) end) || _ <- lists:seq(1, Pairs)],
    [receive warm -> ok end || _ <- Pingers],
    Receiver = spawn_link(fun() -> receiver(Self, []) end),
    sample(Receiver, Samples),
    Receiver ! {done, Self},
    Underway = receive {underway, All} -> All end,
    [Pinger ! {stop, Self} || Pinger <- Pingers],
    Returned = [receive {returned, Pinger, Times} -> Times end || Pinger <- Pingers],
    Sorted = list_to_tuple(lists:sort(Underway)),
    io:format("{\"measured\":{\"p50\":~.3f,\"p99\":~.3f,\"p99.9\":~.3f},\"proof\":{\"received\":~b,\"busy\":~b}}~n",
        [percentile(Sorted, 0.5) / 1000, percentile(Sorted, 0.99) / 1000, percentile(Sorted, 0.999) / 1000,
            tuple_size(Sorted), length([Times || Times <- Returned, Times >= Warm + Least])]),
    halt(0).

percentile(Sorted, Share) -> element(max(1, ceil(tuple_size(Sorted) * Share)), Sorted).

sample(_Receiver, 0) -> ok;
sample(Receiver, Left) ->
    Receiver ! {sent, erlang:monotonic_time(nanosecond)},
    receive taken -> sample(Receiver, Left - 1) end.

receiver(Sender, Underway) ->
    receive
        {sent, At} ->
            Took = erlang:monotonic_time(nanosecond) - At,
            Sender ! taken,
            receiver(Sender, [Took | Underway]);
        {done, From} -> From ! {underway, Underway}
    end.

pinger(Ponger, Warm, Warm, Sender) ->
    Sender ! warm,
    pinger(Ponger, Warm);
pinger(Ponger, Returned, Warm, Sender) ->
    Ponger ! {ball, self(), Returned},
    receive {ball, Returned} -> pinger(Ponger, Returned + 1, Warm, Sender) end.

pinger(Ponger, Returned) ->
    Ponger ! {ball, self(), Returned},
    receive
        {ball, Returned} -> pinger(Ponger, Returned + 1);
        {stop, From} -> From ! {returned, self(), Returned}
    end.

ponger() ->
    receive
        {ball, From, Number} ->
            From ! {ball, Number},
            ponger()
    end.
