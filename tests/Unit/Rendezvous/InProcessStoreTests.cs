namespace CollectivesSharp.Unit.Rendezvous;

public sealed class InProcessStoreTests : StoreTests
{
    private InProcessStore? _store;

    protected override Task<IStore> ConnectAsync() => Task.FromResult<IStore>(_store ??= new InProcessStore(Limits));
}
