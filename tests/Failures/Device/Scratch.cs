namespace CollectivesSharp.Failures;

/// <summary>A folder of a test's own, and a file in it for a stub's log.</summary>
internal sealed class Scratch : IDisposable
{
    internal string Folder { get; } = Directory.CreateTempSubdirectory("collectives-test-").FullName;

    internal string File => Path.Combine(Folder, "log");

    internal string Text => System.IO.File.Exists(File) ? System.IO.File.ReadAllText(File) : "";

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
