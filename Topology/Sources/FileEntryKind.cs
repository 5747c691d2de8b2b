namespace CollectivesSharp.Topology;

internal enum FileEntryKind
{
    Missing,
    File,
    Folder,
    Link,
}
