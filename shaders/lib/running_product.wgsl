// What a scan carries along: products so far.
alias Running = f32;

// An element that changes nothing.
const NOTHING: f32 = 1.0;

fn running_of(x: f32) -> Running { return x; }

fn running_merge(before: Running, after: Running) -> Running { return before * after; }

fn running_value(state: Running) -> f32 { return state; }
