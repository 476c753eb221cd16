/**
 * A stand-in for localStorage that forgets everything when the page closes: what people asked for, and the answers
 * in it, must not stay behind on a shared computer.
 */
export function memoryStorage() {
  const kept = new Map();
  return {
    get length() {
      return kept.size;
    },
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, String(value)),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
}
