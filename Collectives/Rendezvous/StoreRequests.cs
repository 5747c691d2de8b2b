using static CollectivesSharp.StoreWire;

namespace CollectivesSharp;

/// <summary>Decodes one request, runs it and encodes the reply.</summary>
internal static class StoreRequests
{
    /// <summary>Throws <see cref="FormatException"/> for a malformed request; everything else becomes a reply.</summary>
    internal static async Task<byte[]> ExecuteAsync(InProcessStore store, byte[] frame, CancellationToken cancellationToken)
    {
        (uint id, Func<ValueTask<Writer>> run) = Decode(store, frame, cancellationToken);
        try
        {
            return (await run().ConfigureAwait(false)).Finish();
        }
        catch (TimeoutException e)
        {
            return new Writer(id, (byte)Status.TimedOut).Text(e.Message).Finish();
        }
        catch (Exception e) when (e is StoreException or ArgumentException or OverflowException)
        {
            return new Writer(id, (byte)Status.Refused).Text(e.Message).Finish();
        }
    }

    private static (uint Id, Func<ValueTask<Writer>> Run) Decode(InProcessStore store, byte[] frame, CancellationToken cancellationToken)
    {
        Reader reader = new(frame);
        uint id = reader.UInt32();
        var operation = (Operation)reader.Byte();
        Writer Ok() => new(id, (byte)Status.Ok);
        Writer Optional(byte[]? value) => value is null ? new Writer(id, (byte)Status.Absent) : Ok().Bytes(value);

        switch (operation)
        {
            case Operation.Set:
            {
                string key = reader.Text();
                byte[] value = reader.Bytes().ToArray();
                reader.End();
                return (id, async () =>
                {
                    await store.SetAsync(key, value, cancellationToken).ConfigureAwait(false);
                    return Ok();
                }
                );
            }

            case Operation.Get:
            {
                string key = reader.Text();
                TimeSpan timeout = Timeout(reader.Int64());
                reader.End();
                return (id, async () => Ok().Bytes(await store.GetAsync(key, timeout, cancellationToken).ConfigureAwait(false)));
            }

            case Operation.TryGet:
            {
                string key = reader.Text();
                reader.End();
                return (id, async () => Optional(await store.TryGetAsync(key, cancellationToken).ConfigureAwait(false)));
            }

            case Operation.Wait:
            {
                TimeSpan timeout = Timeout(reader.Int64());
                uint count = reader.UInt32();
                List<string> keys = [];
                for (uint i = 0; i < count; i++)
                    keys.Add(reader.Text());
                reader.End();
                return (id, async () =>
                {
                    await store.WaitAsync(keys, timeout, cancellationToken).ConfigureAwait(false);
                    return Ok();
                }
                );
            }

            case Operation.Add:
            {
                string key = reader.Text();
                long delta = reader.Int64();
                reader.End();
                return (id, async () => Ok().Int64(await store.AddAsync(key, delta, cancellationToken).ConfigureAwait(false)));
            }

            case Operation.CompareSet:
            {
                string key = reader.Text();
                bool any = reader.Byte() != 0;
                byte[] expected = reader.Bytes().ToArray();
                byte[] value = reader.Bytes().ToArray();
                reader.End();
                return (id, async () => Optional(await store.CompareSetAsync(key, any ? expected : null, value, cancellationToken).ConfigureAwait(false)));
            }

            case Operation.Delete:
            {
                string key = reader.Text();
                reader.End();
                return (id, async () => Ok().Byte(await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false) ? (byte)1 : (byte)0));
            }

            default:
                throw new FormatException($"operation {(byte)operation} does not exist");
        }
    }

    private static TimeSpan Timeout(long milliseconds) => milliseconds is >= 0 and <= int.MaxValue
        ? TimeSpan.FromMilliseconds(milliseconds)
        : throw new FormatException($"a timeout of {milliseconds} ms");
}
