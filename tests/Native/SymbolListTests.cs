using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>The bindings against the exported names of library versions that are not here: abi/LIBRARY-VERSION.symbols.txt, as nm -D lists them.</summary>
public sealed class SymbolListTests
{
    public static TheoryData<string> Lists => [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "abi"), "*.symbols.txt").Select(file => Path.GetFileName(file)).Order()];

    [Theory]
    [MemberData(nameof(Lists))]
    public void A_function_is_exported_exactly_from_the_version_on_that_the_features_tell(string list)
    {
        (Type nativeClass, IReadOnlyDictionary<string, string> since, Version version) = Subject(list);
        HashSet<string> exported = [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "abi", list))];
        var wrong = new List<string>();

        foreach (string import in Bindings.ImportNames(nativeClass))
        {
            bool expected = !since.TryGetValue(import, out string? first) || ParseVersion(first) <= version;
            if (expected != exported.Contains(import))
                wrong.Add($"{import} is {(expected ? "not " : "")}exported by {list}, the features say {first ?? "always"}");
        }

        Expect.None(wrong);
    }

    [Theory]
    [InlineData(typeof(CudaDriverNative))]
    [InlineData(typeof(NcclNative))]
    [InlineData(typeof(NvmlNative))]
    public void A_function_is_guarded_exactly_if_the_features_list_it(Type nativeClass)
    {
        Type guarded = nativeClass.GetNestedType("Optional", System.Reflection.BindingFlags.NonPublic)!;

        Assert.Equal(Since(nativeClass).Keys.Order(), Bindings.ImportNames(guarded).Order());
    }

    private static (Type Class, IReadOnlyDictionary<string, string> Since, Version Version) Subject(string list)
    {
        string[] parts = list[..^".symbols.txt".Length].Split('-');
        Type nativeClass = parts[0] switch
        {
            "cuda" => typeof(CudaDriverNative),
            "nccl" => typeof(NcclNative),
            "nvml" => typeof(NvmlNative),
            _ => throw new InvalidOperationException($"{list} is of no library that is bound."),
        };
        return (nativeClass, Since(nativeClass), ParseVersion(parts[1]));
    }

    private static IReadOnlyDictionary<string, string> Since(Type nativeClass) =>
        nativeClass == typeof(CudaDriverNative) ? CudaDriverFeatures.Since : nativeClass == typeof(NcclNative) ? NcclFeatures.Since : NvmlFeatures.Since;

    /// <summary>The number at the end of "Driver 545", "CUDA 12.3", "2.29.7".</summary>
    private static Version ParseVersion(string text)
    {
        string number = text.Split(' ')[^1];
        return Version.Parse(number.Contains('.', StringComparison.Ordinal) ? number : number + ".0");
    }
}
