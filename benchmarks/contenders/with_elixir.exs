# Elixir: what Erlang alone does not have, and the loop that serves the runner.
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

  defp answer(_, _), do: "none"

  defp timed(fun) do
    {microseconds, _} = :timer.tc(fun)
    :erlang.float_to_binary(microseconds / 1.0e6, decimals: 9)
  end
end

WithElixir.serve()
