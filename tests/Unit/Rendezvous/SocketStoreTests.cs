using System.Net;
using Xunit;

namespace CollectivesSharp.Unit.Rendezvous;

/// <summary>The common behaviour over a connection.</summary>
public abstract class SocketStoreTests(EndPoint bind) : StoreTests, IAsyncLifetime
{
    private readonly List<SocketStore> _clients = [];
    private StoreServer? _server;

    protected override async Task<IStore> ConnectAsync()
    {
        _server ??= StoreServer.Start(bind, new InProcessStore(Limits), "secret", "job");
        _clients.Add(await SocketStore.ConnectAsync(_server.EndPoint, "secret", "job", TimeSpan.FromSeconds(60), Limits));
        return _clients[^1];
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (SocketStore client in _clients)
            await client.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }
}

public sealed class TcpStoreTests() : SocketStoreTests(new IPEndPoint(IPAddress.Loopback, 0));

public sealed class TcpV6StoreTests() : SocketStoreTests(new IPEndPoint(IPAddress.IPv6Loopback, 0));

public sealed class LocalSocketStoreTests() : SocketStoreTests(MeetingPoint.LocalSocket($"{Guid.NewGuid()}"));
