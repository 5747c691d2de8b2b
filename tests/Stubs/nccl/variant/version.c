/* The one difference in code between the variants; what each exports is the linker's affair. */
const int stub_default_version = STUB_DEFAULT_VERSION;
