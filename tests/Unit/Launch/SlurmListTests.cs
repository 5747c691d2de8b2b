using Xunit;

namespace CollectivesSharp.Unit.Launch;

public sealed class SlurmListTests
{
    [Theory]
    [InlineData("node1", "node1")]
    [InlineData("node[01-04,07],x3", "node01 node02 node03 node04 node07 x3")]
    [InlineData("r[1-2]n[01-02]", "r1n01 r1n02 r2n01 r2n02")]
    [InlineData("a[1-2]b[3,5-6]c[09-10]", "a1b3c09 a1b3c10 a1b5c09 a1b5c10 a1b6c09 a1b6c10 a2b3c09 a2b3c10 a2b5c09 a2b5c10 a2b6c09 a2b6c10")]
    [InlineData("n[8-11]", "n8 n9 n10 n11")]
    [InlineData("n[098-101]", "n098 n099 n100 n101")]
    [InlineData("gpu[1-2]-ib.cluster", "gpu1-ib.cluster gpu2-ib.cluster")]
    [InlineData("[1-2]", "1 2")]
    [InlineData("n[2147483646-2147483647]", "n2147483646 n2147483647")]
    [InlineData("login-a,n[3]", "login-a n3")]
    public void Hosts_expand_in_the_order_of_SLURM_with_their_zeros(string list, string hosts) =>
        Assert.Equal(hosts.Split(' '), SlurmLists.ExpandHosts(list));

    [Fact]
    public void The_first_of_a_billion_hosts_is_found_without_the_others() =>
        Assert.Equal("n0", SlurmLists.ExpandHosts("n[0-2147483647]").First());

    [Theory]
    [InlineData("")]
    [InlineData("a,,b")]
    [InlineData(",a")]
    [InlineData("a,")]
    [InlineData("a[1-2")]
    [InlineData("a1-2]")]
    [InlineData("a[[1]]")]
    [InlineData("a[]")]
    [InlineData("a[1,]")]
    [InlineData("a[-2]")]
    [InlineData("a[1-]")]
    [InlineData("a[2-1]")]
    [InlineData("a[1-2-3]")]
    [InlineData("a[x]")]
    [InlineData("a[1 - 2]")]
    [InlineData("a[99999999999]")]
    [InlineData("good,a[2-1]")]
    public void A_malformed_host_list_is_refused_before_its_first_host_is_used(string list) =>
        Assert.Throws<FormatException>(() => SlurmLists.ExpandHosts(list));

    [Theory]
    [InlineData("4(x2),3", 0, 4)]
    [InlineData("4(x2),3", 1, 4)]
    [InlineData("4(x2),3", 2, 3)]
    [InlineData("4(x2),3", 3, null)]
    [InlineData("8", 0, 8)]
    [InlineData("1,2,3(x1000000000)", 999999999, 3)]
    public void Tasks_are_counted_by_node(string list, int node, int? tasks) =>
        Assert.Equal(tasks, SlurmLists.TasksOnNode(list, node));

    [Theory]
    [InlineData("")]
    [InlineData("4,")]
    [InlineData("4(x2")]
    [InlineData("4(2)")]
    [InlineData("4(x)")]
    [InlineData("4(x0)")]
    [InlineData("(x2)")]
    [InlineData("-4")]
    [InlineData("4 (x2)")]
    [InlineData("4(x2)3")]
    [InlineData("4,four")]
    public void A_malformed_task_list_is_refused_even_behind_the_node(string list) =>
        Assert.Throws<FormatException>(() => SlurmLists.TasksOnNode(list, 0));
}
