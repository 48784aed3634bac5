/**
 * The way of a model from file to SavedModel: {@link dev.tenon.convert.Converter} runs it, {@link dev.tenon.convert.ConversionRecord}
 * is what it writes down beside the SavedModel ({@code tenon.json}).
 */
package dev.tenon.convert;
