%% BEAM: two nodes on this machine, and the loop that serves the runner. No epmd is needed, nor left behind.
-module(between_beam).
-export([main/0, peer/0, watch/1, echo/1, sink/2]).

main() ->
    io:setopts([binary]),
    Peer = start_peer(),
    serve(Peer).

start_peer() ->
    {ok, [[Port]]} = init:get_argument(erl_epmd_port),
    Cookie = atom_to_list(erlang:get_cookie()),
    Path = filename:dirname(code:which(?MODULE)),
    Args = ["-noshell", "-name", "between_b@127.0.0.1", "-start_epmd", "false", "-erl_epmd_port", Port,
            "-setcookie", Cookie, "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-pa", Path, "-s", "between_beam", "peer"],
    open_port({spawn_executable, os:find_executable("erl")}, [{args, Args}]),
    connect('between_b@127.0.0.1', 200).

connect(Peer, Left) when Left > 0 ->
    case net_kernel:connect_node(Peer) of
        true -> spawn(Peer, ?MODULE, watch, [node()]), Peer;
        false -> timer:sleep(50), connect(Peer, Left - 1)
    end.

%% The other node: it ends when the first does, or has not come.
peer() -> timer:sleep(30000), case nodes(connected) of [] -> halt(); _ -> peer() end.
watch(Node) -> erlang:monitor_node(Node, true), receive {nodedown, Node} -> halt() end.

serve(Peer) ->
    case io:get_line("") of
        Line when is_binary(Line) ->
            [Name, N] = string:lexemes(Line, " \n"),
            io:format("~s~n", [answer(binary_to_atom(Name), binary_to_integer(N), Peer)]),
            serve(Peer);
        _ -> halt(0)
    end.

answer(version, _, _) -> ["BEAM OTP ", erlang:system_info(otp_release)];
answer(round_trip, N, Peer) ->
    Echo = spawn(Peer, ?MODULE, echo, [N]),
    timed(fun() -> ping(Echo, N) end);
answer(one_way, N, Peer) -> one_way(drop, N, Peer);
answer(megabyte, N, Peer) -> one_way(binary:copy(<<0>>, 1000000), N, Peer);
answer(_, _, _) -> "none".

one_way(Message, N, Peer) ->
    Sink = spawn(Peer, ?MODULE, sink, [self(), N]),
    timed(fun() -> pour(Sink, Message, N), receive done -> ok end end).

timed(Fun) ->
    {Microseconds, _} = timer:tc(Fun),
    float_to_binary(Microseconds / 1.0e6, [{decimals, 9}]).

ping(_, 0) -> ok;
ping(Echo, N) ->
    Echo ! {self(), ping},
    receive ping -> ok end,
    ping(Echo, N - 1).

echo(0) -> ok;
echo(N) ->
    receive {From, Message} -> From ! Message end,
    echo(N - 1).

pour(_, _, 0) -> ok;
pour(Sink, Message, N) ->
    Sink ! Message,
    pour(Sink, Message, N - 1).

sink(Asker, 0) -> Asker ! done;
sink(Asker, N) ->
    receive _ -> ok end,
    sink(Asker, N - 1).
