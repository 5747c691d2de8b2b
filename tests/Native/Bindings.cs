using System.Reflection;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Native;

/// <summary>What Interop binds, by reflection.</summary>
internal static class Bindings
{
    private const BindingFlags All = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly string[] s_prefixes = ["CU", "nvrtc", "nvml", "nccl"];

    public static IEnumerable<Type> Structs => Types(type => type is { IsValueType: true, IsEnum: false });

    /// <summary>Every enum member and every constant of a native class, by its C name.</summary>
    public static IEnumerable<KeyValuePair<string, long>> Constants =>
        Types(type => type.IsEnum).Concat(NativeClasses)
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(member => member.IsLiteral)
            .Select(member => KeyValuePair.Create(member.Name, Value(member.GetRawConstantValue()!)));

    private static Type[] NativeClasses => [typeof(CudaDriverNative), typeof(NvrtcNative), typeof(NvmlNative), typeof(NcclNative)];

    /// <summary>The imports of a native class, those in its nested classes and those that a source generator made included.</summary>
    public static MethodInfo[] Imports(Type nativeClass) =>
        [.. nativeClass.GetNestedTypes(All).Prepend(nativeClass).SelectMany(type => type.GetMethods(All)).Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))];

    public static string[] ImportNames(Type nativeClass) => [.. Imports(nativeClass).Select(import => import.Name)];

    private static IEnumerable<Type> Types(Func<Type, bool> kind) =>
        typeof(NcclNative).Assembly.GetExportedTypes().Where(type => kind(type) && s_prefixes.Any(prefix => type.Name.StartsWith(prefix, StringComparison.Ordinal)));

    private static long Value(object value) => value is float number ? (long)number : Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture);
}
