using Xunit;

namespace CollectivesSharp.Unit.Launch;

public sealed class HydraProxyTests : IDisposable
{
    private const string CommandLine =
        "hydra_pmi_proxy\0--control-port\0node1:44869\0--rmk\0user\0--launcher\0ssh\0--demux\0poll\0--pgid\00\0--proxy-id\00\0";

    private readonly DirectoryInfo _proc = Directory.CreateTempSubdirectory("collectives-proc-");

    public void Dispose() => _proc.Delete(recursive: true);

    [Fact]
    public void The_proxy_is_found_above_wrappers()
    {
        AddProcess("self", 4626, "dotnet", parent: 4625, startTime: 836042);
        AddProcess("4625", 4625, "a (odd) name) S 1", parent: 4622, startTime: 836041);
        AddProcess("4622", 4622, "bash", parent: 4621, startTime: 836040);
        AddProcess("4621", 4621, "hydra_pmi_proxy", parent: 4620, startTime: 836039, CommandLine);
        AddProcess("4620", 4620, "hydra_pmi_proxy", parent: 1, startTime: 836038, "outer");

        Assert.Equal(new HydraProxy(4621, 836039, "node1:44869"), HydraProxy.Find(_proc.FullName));
    }

    [Fact]
    public void A_proxy_without_a_control_port_names_jobs_of_one_node_only()
    {
        AddProcess("self", 4626, "dotnet", parent: 4621, startTime: 836042);
        AddProcess("4621", 4621, "hydra_pmi_proxy", parent: 4620, startTime: 836039, "hydra_pmi_proxy\0--usize\0-1\0--control-port");

        HydraProxy? proxy = HydraProxy.Find(_proc.FullName);

        Assert.Equal("hydra-4621-836039", proxy?.JobId(isSingleNode: true));
        Assert.Null(proxy?.JobId(isSingleNode: false));
    }

    [Fact]
    public void Without_a_proxy_above_nothing_is_found()
    {
        AddProcess("self", 20, "dotnet", parent: 1, startTime: 900);
        AddProcess("1", 1, "init", parent: 0, startTime: 1);

        Assert.Null(HydraProxy.Find(_proc.FullName));
    }

    [Fact]
    public void Processes_that_cannot_be_read_are_no_error()
    {
        Assert.Null(HydraProxy.Find(_proc.FullName));

        AddProcess("self", 20, "dotnet", parent: 19, startTime: 900);
        Assert.Null(HydraProxy.Find(_proc.FullName));

        _proc.CreateSubdirectory("19");
        File.WriteAllText(Path.Combine(_proc.FullName, "19", "stat"), "19 (cut");
        Assert.Null(HydraProxy.Find(_proc.FullName));
    }

    private void AddProcess(string directory, int pid, string name, int parent, long startTime, string commandLine = "")
    {
        string path = _proc.CreateSubdirectory(directory).FullName;
        File.WriteAllText(
            Path.Combine(path, "stat"),
            $"{pid} ({name}) S {parent} {pid} {pid} 0 -1 4194304 188 0 0 0 0 0 0 0 20 0 1 0 {startTime} 6832128 627 0\n");
        File.WriteAllText(Path.Combine(path, "cmdline"), commandLine);
    }
}
