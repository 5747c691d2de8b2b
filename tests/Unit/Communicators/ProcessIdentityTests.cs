using System.Diagnostics;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

public sealed class ProcessIdentityTests
{
    [Fact]
    public void This_process_has_let_go_of_nothing()
    {
        Assert.False(ProcessIdentity.HasLetGo(Environment.ProcessId, ProcessIdentity.OwnStartTime));
        Assert.True(ProcessIdentity.HasLetGo(Environment.ProcessId, ProcessIdentity.OwnStartTime + 1));
    }

    [Fact]
    public void A_process_lets_go_when_it_ends()
    {
        using Process child = Process.Start(new ProcessStartInfo("sleep", "100"))!;
        string stat = File.ReadAllText($"/proc/{child.Id}/stat");
        long started = long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], System.Globalization.CultureInfo.InvariantCulture);
        Assert.False(ProcessIdentity.HasLetGo(child.Id, started));
        child.Kill();
        Assert.True(SpinWait.SpinUntil(() => ProcessIdentity.HasLetGo(child.Id, started), TimeSpan.FromSeconds(10)));
    }
}
