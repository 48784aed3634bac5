/**
 * The runtimes that say what a model's numbers are: ONNX Runtime, and libtorch for TorchScript. Each is loaded only when it is asked
 * for; libtorch's native library takes a second and, the first time, 450 MB of disk.
 */
package dev.tenon.verify.reference;
