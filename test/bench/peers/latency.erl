%% Waiting in Erlang while others keep the schedulers busy; each prints what it measured, and the work that it did.
-module(latency).
-export([main/1, reaction/1]).

%% ---- how long a message is underway

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

%% ---- reaction: how long a timer takes while messages flow, and a byte that comes over a socket is echoed

reaction([Path | Texts]) ->
    [Pairs, RoundTrips, Least] = [list_to_integer(Text) || Text <- Texts],
    {ok, Listening} = gen_tcp:listen(0, [{ifaddr, {local, Path}}, binary, {active, false}]),
    {ok, Socket} = gen_tcp:accept(Listening),
    Echo = spawn_link(fun() -> receive go -> echo(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Echo),
    ok = inet:setopts(Socket, [{active, true}]),
    Echo ! go,
    Self = self(),
    Ticker = spawn_link(fun() -> ticker([]) end),
    Pingers = [
        spawn_link(fun() -> Self ! {returned, self(), exchange(spawn_link(fun ponger/0), RoundTrips, 0)} end)
     || _ <- lists:seq(1, Pairs)
    ],
    Returned = lists:sum([receive {returned, Pinger, Times} -> Times end || Pinger <- Pingers]),
    Ticker ! {stop, self()},
    Slept = receive {slept, All} -> list_to_tuple(lists:sort(All)) end,
    Timers = case tuple_size(Slept) < Least of true -> 0; false -> 1 end,
    io:format("{\"measured\":{\"timer p50\":~.6f,\"timer p99\":~.6f},\"proof\":{\"messages\":~b,\"timers\":~b}}~n",
        [percentile(Slept, 0.5) / 1.0e6, percentile(Slept, 0.99) / 1.0e6, 2 * Returned, Timers]),
    halt(0).

exchange(_Ponger, RoundTrips, RoundTrips) -> RoundTrips;
exchange(Ponger, RoundTrips, Returned) ->
    Ponger ! {ball, self(), Returned},
    receive {ball, Returned} -> exchange(Ponger, RoundTrips, Returned + 1) end.

echo(Socket) ->
    receive
        {tcp, Socket, Bytes} ->
            ok = gen_tcp:send(Socket, Bytes),
            echo(Socket);
        {tcp_closed, Socket} -> ok
    end.

%% How long each timer of a millisecond takes, in nanoseconds.
ticker(Slept) ->
    Begun = erlang:monotonic_time(nanosecond),
    erlang:send_after(1, self(), tick),
    receive
        tick -> ticker([erlang:monotonic_time(nanosecond) - Begun | Slept]);
        {stop, From} -> From ! {slept, Slept}
    end.
