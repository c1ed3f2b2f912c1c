%% Benchmarks of the Savina suite in Erlang; each prints what it measured, and the work that it did.
-module(savina).
-export([big/1, chameneos/1, bounded_buffer/1, banking/1]).

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

%% ---- chameneos: creatures that meet in pairs at one place

chameneos(Texts) ->
    [Chameneos, Meetings] = numbers(Texts),
    Mall = self(),
    Start = start(),
    [spawn_link(fun() -> chameneo(Mall, Number rem 3, 0) end) || Number <- lists:seq(0, Chameneos - 1)],
    {Met, Faded} = mall(Meetings, Chameneos),
    Took = seconds(Start),
    io:format("{\"measured\":{\"meetings\":~.3f},\"proof\":{\"met\":~b,\"faded\":~b}}~n",
        [Meetings / Took, Met, Faded]),
    halt(0).

mall(0, Chameneos) -> fade(Chameneos, 0, 0);
mall(Left, Chameneos) ->
    receive
        {meet, First, _} ->
            receive
                {meet, Second, Color} ->
                    First ! {met, Second, Color},
                    mall(Left - 1, Chameneos)
            end
    end.

fade(Chameneos, Met, Chameneos) -> {Met, Chameneos};
fade(Chameneos, Met, Faded) ->
    receive
        {meet, From, _} ->
            From ! fade,
            fade(Chameneos, Met, Faded);
        {faded, Count} -> fade(Chameneos, Met + Count, Faded + 1)
    end.

chameneo(Mall, Color, Met) ->
    Mall ! {meet, self(), Color},
    receive
        {met, Other, OtherColor} ->
            Changed = complement(Color, OtherColor),
            Other ! {change, Changed},
            chameneo(Mall, Changed, Met + 1);
        {change, Changed} -> chameneo(Mall, Changed, Met + 1);
        fade -> Mall ! {faded, Met}
    end.

complement(Color, Color) -> Color;
complement(One, Other) -> 3 - One - Other.

%% ---- bounded_buffer: a manager that holds items, and producers up while it has too many

bounded_buffer(Texts) ->
    [Producers, Consumers, Capacity, Each] = numbers(Texts),
    Manager = self(),
    Start = start(),
    Consuming = [spawn_link(fun() -> consumer(Manager, 0, 0) end) || _ <- lists:seq(1, Consumers)],
    [spawn_link(fun() -> producer(Manager, Number * Each, (Number + 1) * Each) end)
        || Number <- lists:seq(0, Producers - 1)],
    manager(queue:new(), 0, [], [], Capacity, Producers),
    [Pid ! finish || Pid <- Consuming],
    Done = [receive {consumed, Count, Sum} -> {Count, Sum} end || _ <- Consuming],
    Took = seconds(Start),
    io:format("{\"measured\":{\"items\":~.3f},\"proof\":{\"consumed\":~b,\"sum\":~b}}~n",
        [Producers * Each / Took, lists:sum([Count || {Count, _} <- Done]), lists:sum([Sum || {_, Sum} <- Done])]),
    halt(0).

%% Items, and how many; the consumers that wait for one, and the producers that wait for room.
manager(_Items, 0, _Consumers, [], _Capacity, 0) -> ok;
manager(Items, Length, Consumers, Producers, Capacity, Running) ->
    receive
        {item, From, Item} ->
            case Consumers of
                [Consumer | Others] ->
                    Consumer ! {item, Item},
                    From ! produce,
                    manager(Items, Length, Others, Producers, Capacity, Running);
                [] when Length + 1 < Capacity ->
                    From ! produce,
                    manager(queue:in(Item, Items), Length + 1, [], Producers, Capacity, Running);
                [] -> manager(queue:in(Item, Items), Length + 1, [], [From | Producers], Capacity, Running)
            end;
        {available, From} when Length =:= 0 ->
            manager(Items, 0, [From | Consumers], Producers, Capacity, Running);
        {available, From} ->
            {{value, Item}, Rest} = queue:out(Items),
            From ! {item, Item},
            case Producers of
                [Producer | Others] ->
                    Producer ! produce,
                    manager(Rest, Length - 1, Consumers, Others, Capacity, Running);
                [] -> manager(Rest, Length - 1, Consumers, [], Capacity, Running)
            end;
        finished -> manager(Items, Length, Consumers, Producers, Capacity, Running - 1)
    end.

producer(Manager, End, End) -> Manager ! finished;
producer(Manager, Item, End) ->
    Manager ! {item, self(), Item},
    receive produce -> producer(Manager, Item + 1, End) end.

consumer(Manager, Count, Sum) ->
    Manager ! {available, self()},
    receive
        {item, Item} -> consumer(Manager, Count + 1, Sum + Item);
        finish -> Manager ! {consumed, Count, Sum}
    end.

%% ---- banking: accounts that pay into each other, and wait until the other one has it

banking(Texts) ->
    [Accounts, Transactions, Initial] = numbers(Texts),
    Teller = self(),
    Pids = list_to_tuple([spawn_link(fun() -> account(Initial, Teller) end) || _ <- lists:seq(1, Accounts)]),
    Start = start(),
    transfer(Pids, Accounts, Transactions, 1),
    {Done, Paid} = replies(Transactions, 0, 0),
    Took = seconds(Start),
    Balance = lists:sum([balance(Pid) || Pid <- tuple_to_list(Pids)]),
    io:format("{\"measured\":{\"transactions\":~.3f},\"proof\":{\"done\":~b,\"paid\":~b,\"balance\":~b}}~n",
        [Transactions / Took, Done, Paid, Balance]),
    halt(0).

transfer(_Pids, _Accounts, 0, _Random) -> ok;
transfer(Pids, Accounts, Left, Random) ->
    First = next(Random),
    Second = next(First),
    Third = next(Second),
    From = (First rem (Accounts div 10)) * 8,
    To = From + max(1, Second rem (Accounts - From)),
    element(From + 1, Pids) ! {transfer, 1 + Third rem 1000, element(To + 1, Pids)},
    transfer(Pids, Accounts, Left - 1, Third).

replies(0, Done, Paid) -> {Done, Paid};
replies(Left, Done, Paid) -> receive {done, Amount} -> replies(Left - 1, Done + 1, Paid + Amount) end.

account(Balance, Teller) ->
    receive
        {transfer, Amount, To} ->
            Ref = make_ref(),
            To ! {deposit, self(), Ref, Amount},
            receive Ref -> ok end,
            Teller ! {done, Amount},
            account(Balance - Amount, Teller);
        {deposit, From, Ref, Amount} ->
            From ! Ref,
            account(Balance + Amount, Teller);
        {balance, From} ->
            From ! {balance, Balance},
            account(Balance, Teller)
    end.

balance(Pid) ->
    Pid ! {balance, self()},
    receive {balance, Balance} -> Balance end.
