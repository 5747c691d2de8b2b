using System.Security.Cryptography;
using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Unit.Cuda;

public sealed class KernelCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("collectives-test-").FullName;
    private readonly byte[] _cubin = RandomNumberGenerator.GetBytes(1000);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_kept_is_found_by_its_key_alone()
    {
        KernelCache cache = new(Path.Combine(_folder, "made", "on", "demand"));
        Assert.Null(cache.Find("key"));
        cache.Keep("key", _cubin);
        Assert.Equal(_cubin, cache.Find("key"));
        Assert.Null(cache.Find("other"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(32)]
    [InlineData(1031)]
    public void An_entry_that_was_cut_off_counts_as_missing_and_is_replaced(int length)
    {
        KernelCache cache = new(_folder);
        cache.Keep("key", _cubin);
        using (FileStream entry = File.OpenWrite(EntryPath))
            entry.SetLength(length);
        Assert.Null(cache.Find("key"));
        cache.Keep("key", _cubin);
        Assert.Equal(_cubin, cache.Find("key"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500)]
    public void An_entry_with_a_wrong_byte_counts_as_missing(int position)
    {
        KernelCache cache = new(_folder);
        cache.Keep("key", _cubin);
        byte[] entry = File.ReadAllBytes(EntryPath);
        entry[position] ^= 1;
        File.WriteAllBytes(EntryPath, entry);
        Assert.Null(cache.Find("key"));
    }

    [Fact]
    public void Writers_and_readers_at_once_never_meet_half_an_entry()
    {
        byte[][] contents = [.. Enumerable.Range(1, 4).Select(i => RandomNumberGenerator.GetBytes(i * 100_000))];
        new KernelCache(_folder).Keep("key", contents[0]);
        Parallel.For(0, 200, i =>
        {
            KernelCache cache = new(_folder);
            if (i % 4 == 0)
                cache.Keep("key", contents[i / 4 % 4]);
            byte[]? found = cache.Find("key");
            Assert.NotNull(found);
            Assert.Contains(contents, content => content.AsSpan().SequenceEqual(found));
        });
        Assert.Equal([EntryPath], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_folder_that_can_not_be_written_is_no_error()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        KernelCache cache = new(Path.Combine(file, "below"));
        cache.Keep("key", _cubin);
        Assert.Null(cache.Find("key"));
    }

    [Fact]
    public void An_entry_whose_place_is_taken_leaves_no_file_behind()
    {
        Directory.CreateDirectory(EntryPath);
        KernelCache cache = new(_folder);
        cache.Keep("key", _cubin);
        Assert.Null(cache.Find("key"));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Without_a_folder_nothing_is_kept()
    {
        KernelCache cache = new(null);
        cache.Keep("key", _cubin);
        Assert.Null(cache.Find("key"));
    }

    [Theory]
    [InlineData("off", "/cache", "/home/me", null)]
    [InlineData("/named", "/cache", "/home/me", "/named")]
    [InlineData("", "/cache", "/home/me", "/cache/collectives-sharp/kernels")]
    [InlineData(null, "", "/home/me", "/home/me/.cache/collectives-sharp/kernels")]
    [InlineData(null, "relative", "/home/me", null)]
    [InlineData(null, null, "", null)]
    public void The_folder_is_named_or_in_the_users_cache(string? named, string? cacheHome, string profile, string? expected) =>
        Assert.Equal(expected, KernelCache.FolderOf(named, cacheHome, profile));

    private string EntryPath => Path.Combine(_folder, "key.cubin");
}
