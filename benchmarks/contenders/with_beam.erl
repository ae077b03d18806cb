%% BEAM: the workloads in Erlang, and the loop that serves the runner.
-module(with_beam).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, start_restarted/1]).

main() ->
    io:setopts([binary]),
    serve().

serve() ->
    case io:get_line("") of
        Line when is_binary(Line) ->
            [Name, N] = string:lexemes(Line, " \n"),
            io:format("~s~n", [answer(binary_to_atom(Name), binary_to_integer(N))]),
            serve();
        _ -> halt(0)
    end.

answer(version, _) -> ["BEAM OTP ", erlang:system_info(otp_release)];
answer(spawn_reply, N) -> timed(fun() -> spawn_reply(self(), N) end);
answer(spawn_down, N) -> timed(fun() -> spawn_down(N) end);
answer(ping_pong, N) ->
    Me = self(),
    Peer = spawn(fun() -> pong(Me, N) end),
    timed(fun() -> ping(Peer, N) end);
answer(ring, N) ->
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass_on(Next) end) end, self(), lists:seq(2, 100)),
    Took = timed(fun() -> go_round(First, N div 100) end),
    First ! 'end',
    receive 'end' -> ok end,
    Took;
answer(flood, N) ->
    Me = self(),
    Sink = spawn(fun() -> sink(Me, N) end),
    timed(fun() -> pour(Sink, N), receive done -> ok end end);
answer(park, N) ->
    timed(fun() -> [spawn(fun() -> receive _ -> ok end end) || _ <- lists:seq(1, N)] end);
answer(call, N) ->
    {ok, Server} = gen_server:start(?MODULE, 0, []),
    timed(fun() -> call(Server, N) end);
answer(cast, N) ->
    {ok, Server} = gen_server:start(?MODULE, 0, []),
    timed(fun() -> cast(Server, N), gen_server:call(Server, get, infinity) end);
answer(idle, N) ->
    timed(fun() -> [{ok, _} = gen_server:start(?MODULE, 0, []) || _ <- lists:seq(1, N)] end);
answer(restart, N) ->
    logger:set_primary_config(level, none), % what is reported of each end is not what is measured
    {ok, Tree} = supervisor:start_link(?MODULE, {restart, self(), N}),
    Child = receive {up, Pid} -> Pid end,
    Took = timed(fun() -> restart(Child, N) end),
    unlink(Tree),
    exit(Tree, shutdown),
    Took;
answer(_, _) -> "none".

init({restart, Asker, N}) ->
    Child = #{id => child, start => {?MODULE, start_restarted, [Asker]}},
    {ok, {#{intensity => N, period => 1000}, [Child]}};
init(N) -> {ok, N}.
handle_call(get, _From, N) -> {reply, N, N}.
handle_cast(More, N) -> {noreply, N + More}.

call(_, 0) -> ok;
call(Server, N) ->
    gen_server:call(Server, get),
    call(Server, N - 1).

cast(_, 0) -> ok;
cast(Server, N) ->
    gen_server:cast(Server, 1),
    cast(Server, N - 1).

start_restarted(Asker) ->
    {ok, spawn_link(fun() -> Asker ! {up, self()}, receive _ -> ok end end)}.

restart(_, 0) -> ok;
restart(Child, N) ->
    exit(Child, kill),
    restart(receive {up, Pid} -> Pid end, N - 1).

timed(Fun) ->
    {Microseconds, _} = timer:tc(Fun),
    float_to_binary(Microseconds / 1.0e6, [{decimals, 9}]).

ping(_, 0) -> ok;
ping(Peer, N) ->
    Peer ! ping,
    receive _ -> ok end,
    ping(Peer, N - 1).

pong(_, 0) -> ok;
pong(Peer, N) ->
    receive _ -> ok end,
    Peer ! pong,
    pong(Peer, N - 1).

go_round(_, 0) -> ok;
go_round(First, N) ->
    First ! token,
    receive _ -> ok end,
    go_round(First, N - 1).

pass_on(Next) ->
    receive
        'end' -> Next ! 'end';
        Message -> Next ! Message, pass_on(Next)
    end.

pour(_, 0) -> ok;
pour(Sink, N) ->
    Sink ! drop,
    pour(Sink, N - 1).

sink(Asker, 0) -> Asker ! done;
sink(Asker, N) ->
    receive _ -> ok end,
    sink(Asker, N - 1).

spawn_reply(_, 0) -> ok;
spawn_reply(Me, N) ->
    spawn(fun() -> Me ! here end),
    receive _ -> ok end,
    spawn_reply(Me, N - 1).

spawn_down(0) -> ok;
spawn_down(N) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, _, _} -> ok end,
    spawn_down(N - 1).
