// Numbers kept as packed float16, read as float32: exact, though denormals may be flushed to zero.

fn halves4(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

// The number `index` of a memory, of which `word` is the word that holds it.
fn half_of(word: u32, index: u32) -> f32 { return unpack2x16float(word >> (16u * (index % 2u))).x; }
