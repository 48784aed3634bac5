package dev.tenon.frontend.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.tenon.ir.DataType;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Parses the JSON at the head of a safetensors file; what it says of each tensor is checked for form here, for sense by the reader. */
final class SafetensorsHeader {
  static final String METADATA = "__metadata__";
  private static final int MAX_RANK = 64;
  private static final JsonFactory JSON = JsonFactory.builder().streamReadConstraints(StreamReadConstraints.builder()
      .maxNestingDepth(8).maxNumberLength(20).maxNameLength(1 << 16).maxStringLength(20_000_000).build()).build();

  /**
   * @param begin the offset of the first byte behind the header
   * @param end the offset behind the last
   */
  record Entry(DataType dtype, List<Long> shape, long begin, long end) {}

  private final Object file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private JsonParser parser;

  private SafetensorsHeader(Object file) {
    this.file = file;
  }

  static SafetensorsHeader parse(Object file, byte[] json) {
    SafetensorsHeader header = new SafetensorsHeader(file);
    try (JsonParser parser = JSON.createParser(json)) {
      header.parser = parser;
      header.top();
    } catch (IOException e) {
      String reason = e instanceof JsonProcessingException j ? j.getOriginalMessage() : e.getMessage();
      throw BadInputException.of(file, "header", "damaged JSON (" + Quote.of(String.valueOf(reason), 120) + ")",
          "the tensors' descriptions");
    }
    return header;
  }

  Map<String, Entry> entries() {
    return entries;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  private BadInputException bad(String name, String found, String expected) {
    return BadInputException.of(file, name.isEmpty() ? "header" : "header: tensor \"" + Quote.of(name, 80) + '"', found, expected);
  }

  private void top() throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw bad("", "no JSON object", "one");
    }
    boolean seen = false;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      if (name.equals(METADATA)) {
        if (seen) {
          throw bad("", METADATA + " twice", "it once");
        }
        seen = true;
        readMetadata();
      } else if (entries.putIfAbsent(name, entry(name)) != null) {
        throw bad(name, "two tensors of this name", "each name once");
      }
    }
    if (parser.nextToken() != null) {
      throw bad("", "more after the JSON object", "spaces alone");
    }
  }

  private void readMetadata() throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw bad("", METADATA + " that is no object", "one of strings");
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw bad("", METADATA + " with a value that is no string", "strings");
      }
      if (metadata.putIfAbsent(key, parser.getText()) != null) {
        throw bad("", METADATA + " with a key twice", "each key once");
      }
    }
  }

  private Entry entry(String name) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw bad(name, "no object", "dtype, shape and data_offsets");
    }
    DataType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      parser.nextToken();
      boolean twice;
      switch (key) {
        case "dtype" -> {
          twice = dtype != null;
          dtype = dtype(name);
        }
        case "shape" -> {
          twice = shape != null;
          shape = numbers(name, "shape", MAX_RANK);
        }
        case "data_offsets" -> {
          twice = offsets != null;
          offsets = numbers(name, "data_offsets", 2);
        }
        default -> throw bad(name, "the field \"" + Quote.of(key, 40) + '"', "dtype, shape and data_offsets");
      }
      if (twice) {
        throw bad(name, key + " twice", "it once");
      }
    }
    if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
      throw bad(name, "an incomplete description", "dtype, shape and two data_offsets");
    }
    return new Entry(dtype, shape, offsets.get(0), offsets.get(1));
  }

  private DataType dtype(String name) throws IOException {
    String text = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : "";
    return SafetensorsTypes.ofName(text).orElseThrow(() -> bad(name, "the dtype \"" + Quote.of(text, 20) + '"',
        "F32, BF16, I64 or their kin"));
  }

  private List<Long> numbers(String name, String what, int most) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw bad(name, what + " that is no list", "a list of numbers");
    }
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || parser.getLongValue() < 0) {
        throw bad(name, what + " with something else than numbers from 0 to " + Long.MAX_VALUE, "such numbers");
      }
      if (numbers.size() == most) {
        throw bad(name, what + " of more than " + most + " numbers", "fewer");
      }
      numbers.add(parser.getLongValue());
    }
    return numbers;
  }
}
