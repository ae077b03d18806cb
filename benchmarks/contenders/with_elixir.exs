# Elixir: what Erlang alone does not have, and the loop that serves the runner.
defmodule Server do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call(:get, _from, n), do: {:reply, n, n}
  def handle_cast(more, n), do: {:noreply, n + more}
end

defmodule WithElixir do
  def serve do
    case IO.gets("") do
      line when is_binary(line) ->
        [name, n] = String.split(line)
        IO.puts(answer(name, String.to_integer(n)))
        serve()

      _ ->
        :ok
    end
  end

  defp answer("version", _), do: "Elixir #{System.version()}"

  defp answer("stream", n) do
    timed(fn ->
      total = 1..n |> Task.async_stream(&(&1 + 1), max_concurrency: 10) |> Enum.reduce(0, fn {:ok, x}, sum -> sum + x end)
      ^total = div(n * (n + 1), 2) + n
    end)
  end

  defp answer("call", n) do
    {:ok, server} = GenServer.start(Server, 0)
    timed(fn -> call(server, n) end)
  end

  defp answer("cast", n) do
    {:ok, server} = GenServer.start(Server, 0)

    timed(fn ->
      cast(server, n)
      GenServer.call(server, :get, :infinity)
    end)
  end

  defp answer(_, _), do: "none"

  defp call(_, 0), do: :ok

  defp call(server, n) do
    GenServer.call(server, :get)
    call(server, n - 1)
  end

  defp cast(_, 0), do: :ok

  defp cast(server, n) do
    GenServer.cast(server, 1)
    cast(server, n - 1)
  end

  defp timed(fun) do
    {microseconds, _} = :timer.tc(fun)
    :erlang.float_to_binary(microseconds / 1.0e6, decimals: 9)
  end
end

WithElixir.serve()
