using Xunit;

namespace CollectivesSharp.Unit.Rendezvous;

public sealed class JobFolderTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("collectives-job-");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("/shared/dir", "/shared/dir")]
    [InlineData("file:///shared/dir", "/shared/dir")]
    [InlineData("file:///shared/my%20dir", "/shared/my dir")]
    public void A_folder_is_given_as_a_path_or_a_file_address(string? value, string? folder) => Assert.Equal(folder, JobFolder.ParseRoot(value));

    [Theory]
    [InlineData("relative/dir")]
    [InlineData("tcp://node1:29500")]
    [InlineData("file://node1/dir")]
    public void Anything_else_is_refused_with_what_it_takes(string value)
    {
        LaunchException refused = Assert.Throws<LaunchException>(() => JobFolder.ParseRoot(value));
        Assert.Contains($"COLLECTIVES_STORE={value}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("file:///folder", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_job_without_a_name_has_no_folder_of_its_own() =>
        Assert.Contains("COLLECTIVES_JOB_ID", Assert.Throws<LaunchException>(() => JobFolder.PathOf(_root.FullName, Rank(0, job: null), 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void Jobs_and_the_groups_of_one_job_have_folders_of_their_own()
    {
        string[] paths = [Path("a/b", 1), Path("a/b", 2), Path("a:b", 1), Path("../..", 1)];
        Assert.Equal(4, paths.Distinct().Count());
        Assert.All(paths, path => Assert.StartsWith(_root.FullName + "/collectives-sharp-", path, StringComparison.Ordinal));

        string Path(string job, int creation) => System.IO.Path.GetFullPath(JobFolder.PathOf(_root.FullName, Rank(0, job), creation));
    }

    [Fact]
    public async Task The_last_rank_to_leave_removes_the_folder()
    {
        string path = JobFolder.PathOf(_root.FullName, Rank(0), 1), next = JobFolder.PathOf(_root.FullName, Rank(0), 2);
        FileStore[] ranks = [await JobFolder.OpenAsync(path, Rank(0), default), await JobFolder.OpenAsync(path, Rank(1), default)];
        await ranks[0].SetAsync("key", default);
        await ranks[0].DisposeAsync();
        Assert.NotNull(await ranks[1].TryGetAsync("key"));

        FileStore early = await JobFolder.OpenAsync(next, Rank(0), default);
        await ranks[1].DisposeAsync();
        Assert.False(Directory.Exists(path));
        Assert.True(Directory.Exists(next));
        await early.DisposeAsync();
        await (await JobFolder.OpenAsync(next, Rank(1), default)).DisposeAsync();
        Assert.Empty(_root.EnumerateFileSystemInfos());
    }

    [Fact]
    public async Task A_rank_that_was_there_before_is_told_what_to_do()
    {
        string path = JobFolder.PathOf(_root.FullName, Rank(0), 1);
        await using FileStore first = await JobFolder.OpenAsync(path, Rank(1), default);
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => JobFolder.OpenAsync(path, Rank(1), default));
        Assert.Contains($"Rank 1 has been in {path} before", refused.Message, StringComparison.Ordinal);
        Assert.Contains("COLLECTIVES_JOB_ID", refused.Message, StringComparison.Ordinal);
    }

    private static LaunchEnvironment Rank(int rank, string? job = "job") => new() { Launcher = LauncherKind.Collectives, Rank = rank, WorldSize = 2, JobId = job };
}
