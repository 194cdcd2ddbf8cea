// The invocations of a kernel that folds rows: how many a workgroup has, and how many of them share a
// row.
const LANES: u32 = 1u;
const WORKGROUP: u32 = 64u;
