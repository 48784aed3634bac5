package dev.tenon.frontend.pickle;

import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Interprets a pickle (protocols 0 to 5, as far as PyTorch's files go; the opcodes are those of Python's {@code pickletools}).
 * Inert: a global is looked up in {@link Globals} or refused, a call runs our own code for it, and no class is ever loaded.
 * Bounded: lengths are held against the bytes that are left, and the number of values, the depth and the size of keys are limited.
 */
final class Unpickler implements PicklePlace {
  /** Values on the stack and in the memo, in all; a checkpoint with an optimizer's state has some twenty for each tensor. */
  static final int MAX_VALUES = 1 << 24;
  /** There is one for each container that is being filled. */
  private static final int MAX_MARKS = 10_000;
  static final int MAX_SPARSE = 1 << 18;
  private static final int MAX_STRING = 1 << 28;
  private static final int MAX_LINE = 1 << 12;
  private static final int MAX_INTEGER_BYTES = 1 << 10;
  private static final int MAX_PROTOCOL = 5;

  private final Object file;
  private final String place;
  private final PickleInput in;
  private final Globals globals;
  private final StorageSource storages;
  private final KeyCheck keys = new KeyCheck(this);
  private final List<Object> stack = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  /** Entries in the order of their numbers, as all picklers give them; and those that come otherwise. */
  private final List<Object> memo = new ArrayList<>();
  private final Map<Long, Object> sparseMemo = new HashMap<>();
  private long opcodeAt;
  private int values;
  private int serial;

  /**
   * @param file what messages call the file
   * @param place what they call the pickle in it
   * @param bytes the file's bytes
   * @param position where in them the pickle begins
   */
  Unpickler(Object file, String place, Storage bytes, long position, Globals globals, StorageSource storages) {
    this.file = file;
    this.place = place;
    this.in = new PickleInput(bytes, position);
    this.globals = globals;
    this.storages = storages;
  }

  @Override
  public BadInputException bad(String found, String expected) {
    return BadInputException.of(file, position(), found, expected);
  }

  @Override
  public Object file() {
    return file;
  }

  @Override
  public String position() {
    return (place.isEmpty() ? "" : place + " at ") + "byte " + opcodeAt;
  }

  @Override
  public int serial() {
    return serial++;
  }

  /** The offset behind the pickle's last byte. */
  long end() {
    return in.position();
  }

  /** Reads the one value of the pickle. */
  Object load() {
    while (true) {
      opcodeAt = in.position();
      int opcode = in.read();
      if (opcode < 0) {
        throw bad("the end of the data", "more of a pickle; it is truncated or damaged");
      }
      if (opcode == '.') {
        if (!marks.isEmpty() || stack.size() != 1) {
          throw bad("the end of a pickle with " + stack.size() + " values", "one");
        }
        Object value = pop();
        ValueDepth.check(this, value);
        return value;
      }
      if (!scalar(opcode) && !container(opcode) && !stackOrMemo(opcode) && !object(opcode)) {
        throw bad(String.format("the pickle opcode 0x%02x", opcode), "one that PyTorch's files use");
      }
    }
  }

  // ---- opcodes ----

  private boolean scalar(int opcode) {
    switch (opcode) {
      case 'N' -> push(PickleNone.NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'J' -> push((long) number(4).getInt());
      case 'K' -> push(unsigned(1));
      case 'M' -> push(unsigned(2));
      case 0x8a -> push(integer(bytes(unsigned(1), MAX_INTEGER_BYTES)));
      case 0x8b -> push(integer(bytes(unsigned(4), MAX_INTEGER_BYTES)));
      case 'G' -> push(number(8).order(ByteOrder.BIG_ENDIAN).getDouble());
      case 'I' -> pushIntegerLine(line());
      case 'L' -> pushIntegerLine(line().replaceFirst("L$", ""));
      case 'F' -> pushFloatLine(line());
      case 'V' -> push(unescaped(line()));
      case 'S' -> push(unquoted(line()));
      case 'X' -> push(utf8(bytes(unsigned(4), MAX_STRING)));
      case 0x8c -> push(utf8(bytes(unsigned(1), MAX_STRING)));
      case 0x8d -> push(utf8(bytes(number(8).getLong(), MAX_STRING)));
      // Python 2 wrote its strings, which may be text or bytes, with these.
      case 'T' -> push(textOrBytes(bytes(unsigned(4), MAX_STRING)));
      case 'U' -> push(textOrBytes(bytes(unsigned(1), MAX_STRING)));
      case 'B' -> push(bytes(unsigned(4), MAX_STRING));
      case 'C' -> push(bytes(unsigned(1), MAX_STRING));
      case 0x8e, 0x96 -> push(bytes(number(8).getLong(), MAX_STRING));
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean container(int opcode) {
    switch (opcode) {
      case ')' -> push(new PickleTuple(List.of()));
      case 0x85 -> push(new PickleTuple(popped(1)));
      case 0x86 -> push(new PickleTuple(popped(2)));
      case 0x87 -> push(new PickleTuple(popped(3)));
      case 't' -> push(new PickleTuple(poppedToMark()));
      case ']' -> push(new ArrayList<>());
      case 'l' -> push(poppedToMark());
      case 'a' -> {
        Object value = pop();
        list(peek()).add(value);
      }
      case 'e' -> {
        List<Object> items = poppedToMark();
        list(peek()).addAll(items);
      }
      case '}' -> push(new LinkedHashMap<>());
      case 'd' -> {
        Map<Object, Object> map = new LinkedHashMap<>();
        putAll(map, poppedToMark());
        push(map);
      }
      case 's' -> {
        List<Object> item = popped(2);
        putAll(map(peek()), item);
      }
      case 'u' -> {
        List<Object> items = poppedToMark();
        putAll(map(peek()), items);
      }
      case 0x8f -> push(new LinkedHashSet<>());
      case 0x91 -> push(setOf(poppedToMark()));
      case 0x90 -> {
        List<Object> items = poppedToMark();
        if (!(peek() instanceof LinkedHashSet<?>)) {
          throw bad("elements for " + PicklePlace.describe(peek()), "a set");
        }
        stack.set(stack.size() - 1, merged((LinkedHashSet<?>) peek(), items));
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean stackOrMemo(int opcode) {
    switch (opcode) {
      case '(' -> {
        if (marks.size() >= MAX_MARKS) {
          throw bad("more than " + MAX_MARKS + " open marks", "fewer");
        }
        marks.push(stack.size());
      }
      case '0' -> {
        if (!marks.isEmpty() && marks.peek() == stack.size()) {
          marks.pop();
        } else {
          pop();
        }
      }
      case '1' -> poppedToMark();
      case '2' -> push(peek());
      case 'p' -> memoize(index(line()));
      case 'q' -> memoize(unsigned(1));
      case 'r' -> memoize(unsigned(4));
      case 0x94 -> memoize(memo.size() + sparseMemo.size());
      case 'g' -> recall(index(line()));
      case 'h' -> recall(unsigned(1));
      case 'j' -> recall(unsigned(4));
      case 0x80 -> {
        long protocol = unsigned(1);
        if (protocol > MAX_PROTOCOL) {
          throw bad("pickle protocol " + protocol, "at most " + MAX_PROTOCOL);
        }
      }
      // A frame's length says nothing that its contents do not.
      case 0x95 -> number(8);
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean object(int opcode) {
    switch (opcode) {
      case 'c' -> {
        String module = line();
        push(globals.find(this, module, line(), beforeModel()));
      }
      case 0x93 -> {
        Object name = pop();
        Object module = pop();
        push(globals.find(this, string(module, "a module's name"), string(name, "a global's name"), beforeModel()));
      }
      case 'R', 0x81 -> {
        Object args = pop();
        Object callee = pop();
        // TorchScript gives the value of an enumeration's member without a tuple around it.
        boolean ofArchive = callee instanceof PickleGlobal g && g.name().startsWith("__torch__.");
        push(globals.call(this, callee,
            opcode == 'R' && ofArchive && !(args instanceof PickleTuple) ? new PickleTuple(List.of(args)) : arguments(args)));
      }
      case 0x92 -> {
        Object named = pop();
        Object args = pop();
        if (!(named instanceof Map<?, ?> m) || !m.isEmpty()) {
          throw bad("keyword arguments " + PicklePlace.describe(named), "none");
        }
        push(globals.call(this, pop(), arguments(args)));
      }
      case 'b' -> {
        Object state = pop();
        globals.build(this, peek(), state);
      }
      case 'Q' -> push(StorageValue.load(this, pop(), storages));
      default -> {
        return false;
      }
    }
    return true;
  }

  /** A model saved whole begins with its class; in the legacy format each module's class is in a persistent id, ('module', class, …). */
  private boolean beforeModel() {
    return stack.isEmpty() || "module".equals(stack.get(stack.size() - 1));
  }

  private PickleTuple arguments(Object args) {
    if (args instanceof PickleTuple t) {
      return t;
    }
    throw bad(PicklePlace.describe(args) + " as arguments", "a tuple");
  }

  // ---- stack and memo ----

  private void count() {
    if (++values > MAX_VALUES) {
      throw bad("more than " + MAX_VALUES + " values", "fewer");
    }
  }

  private void push(Object value) {
    count();
    stack.add(value);
  }

  /** The values below the last mark belong to somebody else. */
  private int available() {
    return stack.size() - (marks.isEmpty() ? 0 : marks.peek());
  }

  private Object pop() {
    if (available() < 1) {
      throw bad("an opcode that takes a value from an empty stack", "a value");
    }
    return stack.remove(stack.size() - 1);
  }

  private Object peek() {
    if (available() < 1) {
      throw bad("an opcode that takes a value from an empty stack", "a value");
    }
    return stack.get(stack.size() - 1);
  }

  private List<Object> popped(int n) {
    if (available() < n) {
      throw bad("an opcode that takes " + n + " values from a stack of " + available(), "as many");
    }
    return taken(stack.size() - n);
  }

  private List<Object> poppedToMark() {
    if (marks.isEmpty()) {
      throw bad("an opcode that looks for a mark", "a mark before it");
    }
    return taken(marks.pop());
  }

  private List<Object> taken(int from) {
    List<Object> top = stack.subList(from, stack.size());
    List<Object> result = new ArrayList<>(top);
    top.clear();
    return result;
  }

  private void memoize(long index) {
    count();
    Object value = peek();
    if (index < memo.size()) {
      memo.set((int) index, value);
    } else if (index == memo.size()) {
      memo.add(value);
    } else if (sparseMemo.size() < MAX_SPARSE) {
      sparseMemo.put(index, value);
    } else {
      throw bad("more than " + MAX_SPARSE + " memo entries out of order", "fewer");
    }
  }

  private void recall(long index) {
    Object value = index < memo.size() ? memo.get((int) index) : sparseMemo.get(index);
    if (value == null) {
      throw bad("memo entry " + index + " before it is set", "one that has been set");
    }
    push(value);
  }

  @SuppressWarnings("unchecked")
  private List<Object> list(Object value) {
    if (value instanceof ArrayList<?> l) {
      return (List<Object>) l;
    }
    throw bad("an element for " + PicklePlace.describe(value), "a list");
  }

  @SuppressWarnings("unchecked")
  private Map<Object, Object> map(Object value) {
    if (value instanceof LinkedHashMap<?, ?> m) {
      return (Map<Object, Object>) m;
    }
    throw bad("an item for " + PicklePlace.describe(value), "a dict");
  }

  private void putAll(Map<Object, Object> map, List<Object> items) {
    if (items.size() % 2 != 0) {
      throw bad("a key without a value", "pairs");
    }
    for (int i = 0; i < items.size(); i += 2) {
      map.put(keys.checked(items.get(i)), items.get(i + 1));
    }
  }

  /** A set of values that may be in one. */
  LinkedHashSet<Object> setOf(List<?> items) {
    return merged(new LinkedHashSet<>(), items);
  }

  private LinkedHashSet<Object> merged(LinkedHashSet<?> set, List<?> items) {
    @SuppressWarnings("unchecked")
    LinkedHashSet<Object> result = (LinkedHashSet<Object>) set;
    items.forEach(i -> result.add(keys.checked(i)));
    return result;
  }

  /** Puts one item, as {@code OrderedDict(pairs)} does. */
  void put(Map<Object, Object> map, Object key, Object value) {
    map.put(keys.checked(key), value);
  }

  // ---- values ----

  /** A number of a fixed width, little-endian. */
  private ByteBuffer number(int width) {
    return ByteBuffer.wrap(bytes(width, width)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private long unsigned(int width) {
    ByteBuffer b = number(width);
    return width == 1 ? b.get() & 0xff : width == 2 ? b.getShort() & 0xffff : b.getInt() & 0xffffffffL;
  }

  private byte[] bytes(long length, int most) {
    if (length < 0 || length > in.remaining()) {
      throw bad(Long.toUnsignedString(length) + " bytes announced and " + in.remaining() + " left", "as many; it is truncated or damaged");
    }
    if (length > most) {
      throw bad("a value of " + length + " bytes", "at most " + most);
    }
    return in.read((int) length);
  }

  private String line() {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0 || line.length() >= MAX_LINE) {
        throw bad("no end of a line", "one within " + MAX_LINE + " bytes");
      }
      line.append((char) b);
    }
    return utf8(line.toString().getBytes(StandardCharsets.ISO_8859_1));
  }

  private String utf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw bad("a string that is no UTF-8", "text");
    }
  }

  private static Object textOrBytes(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return bytes;
    }
  }

  private static Object integer(byte[] littleEndian) {
    byte[] b = new byte[littleEndian.length];
    for (int i = 0; i < b.length; i++) {
      b[i] = littleEndian[b.length - 1 - i];
    }
    return b.length == 0 ? (Object) 0L : narrow(new BigInteger(b));
  }

  private static Object narrow(BigInteger n) {
    return n.bitLength() < 64 ? (Object) n.longValue() : n;
  }

  private void pushIntegerLine(String text) {
    // Protocol 1 had no opcode for booleans.
    if (text.equals("00") || text.equals("01")) {
      push(text.equals("01"));
      return;
    }
    if (!text.matches("[+-]?[0-9]{1,1000}")) {
      throw bad("the number " + PicklePlace.describe(text), "digits");
    }
    push(narrow(new BigInteger(text)));
  }

  private void pushFloatLine(String text) {
    push(switch (text) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan" -> Double.NaN;
      default -> {
        if (!text.matches("[+-]?[0-9.]{1,400}([eE][+-]?[0-9]{1,9})?") || text.chars().filter(c -> c == '.').count() > 1
            || !text.matches(".*[0-9].*")) {
          throw bad("the number " + PicklePlace.describe(text), "a float");
        }
        yield parsedDouble(text);
      }
    });
  }

  private Double parsedDouble(String text) {
    try {
      return Double.valueOf(text);
    } catch (NumberFormatException e) {
      throw bad("the number " + PicklePlace.describe(text), "a float");
    }
  }

  private long index(String text) {
    if (!text.matches("[0-9]{1,10}")) {
      throw bad("the memo entry " + PicklePlace.describe(text), "a number");
    }
    return Long.parseLong(text);
  }

  private String unescaped(String text) {
    if (text.indexOf('\\') >= 0) {
      throw bad("a text string with escapes (protocol 0)", "protocol 2 or later");
    }
    return text;
  }

  private String unquoted(String text) {
    int n = text.length();
    if (n < 2 || text.charAt(0) != text.charAt(n - 1) || text.charAt(0) != '\'' && text.charAt(0) != '"' || text.indexOf('\\') >= 0) {
      throw bad("a text string with escapes (protocol 0)", "protocol 2 or later");
    }
    return text.substring(1, n - 1);
  }
}
