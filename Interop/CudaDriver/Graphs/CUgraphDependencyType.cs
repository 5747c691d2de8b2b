namespace CollectivesSharp.Interop;

public enum CUgraphDependencyType
{
    CU_GRAPH_DEPENDENCY_TYPE_DEFAULT = 0,
    CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC = 1,
}
