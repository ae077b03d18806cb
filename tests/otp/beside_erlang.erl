%% The supervisors of OTP, doing what the scripts in a file say: a line for each step, of what was answered, who
%% runs now, and what the children have told.
-module(beside_erlang).
-export([main/1, init/1, start/2, child/3]).

main([File]) ->
    process_flag(trap_exit, true),
    logger:set_primary_config(level, none),
    {ok, Scripts} = file:consult(File),
    lists:foreach(fun run/1, Scripts),
    halt(0).

run({Strategy, AutoShutdown, Children, Steps}) ->
    Flags = #{strategy => Strategy, auto_shutdown => AutoShutdown, intensity => 3, period => 1000},
    {ok, Tree} = supervisor:start_link(?MODULE, {Flags, [spec(Child) || Child <- Children]}),
    show([begun], Tree),
    [show(step(Tree, Step), Tree) || Step <- Steps],
    unlink(Tree),
    Ref = monitor(process, Tree),
    exit(Tree, shutdown),
    receive {'DOWN', Ref, _, _, _} -> ok end,
    empty().

init(Specs) -> {ok, Specs}.

spec({Id, Restart, Significant}) ->
    #{id => Id, start => {?MODULE, start, [self(), Id]}, restart => Restart, significant => Significant}.

start(Test, Id) -> proc_lib:start_link(?MODULE, child, [Test, Id, self()]).

child(Test, Id, Parent) ->
    process_flag(trap_exit, true),
    Test ! {up, Id},
    proc_lib:init_ack({ok, self()}),
    Reason = receive {'EXIT', Parent, Shutdown} -> Shutdown; {'end', Told} -> Told end,
    Test ! {down, Id, Reason},
    exit(Reason).

step(Tree, Step) ->
    try [word(do(Tree, Step))] catch exit:_ -> [dead] end.

do(Tree, {'end', Id, Reason}) ->
    case lists:keyfind(Id, 1, supervisor:which_children(Tree)) of
        {_, Pid, _, _} when is_pid(Pid) ->
            Ref = monitor(process, Pid),
            case Reason of killed -> exit(Pid, kill); _ -> Pid ! {'end', Reason} end,
            receive {'DOWN', Ref, _, _, _} -> ok end;
        _ -> none
    end;
do(Tree, {start_child, Child}) -> supervisor:start_child(Tree, spec(Child));
do(Tree, {Function, Id}) -> supervisor:Function(Tree, Id).

word({ok, _}) -> ok;
word({error, {Word, _}}) -> Word;
word({error, Word}) -> Word;
word(Word) -> Word.

show(Words, Tree) ->
    Children = try [[Id, case Pid of undefined -> off; _ -> up end]
                    || {Id, Pid, _, _} <- lists:reverse(supervisor:which_children(Tree))]
               catch exit:_ -> [dead] end,
    io:format("~s~n", [lists:join(" ", [io_lib:format("~p", [Word])
                                        || Word <- lists:flatten([Words, Children, told()])])]).

told() ->
    receive
        {up, Id} -> [told_up, Id | told()];
        {down, Id, Reason} -> [told_down, Id, case Reason of {shutdown, _} -> more; _ -> Reason end | told()]
    after 0 -> []
    end.

empty() -> receive _ -> empty() after 0 -> ok end.
