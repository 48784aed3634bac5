/**
 * Python pickles as PyTorch's files contain them, interpreted without Python and without running anything.
 *
 * <p>The interpreter is our own, not <a href="https://github.com/irmen/pickle">net.razorvine:pickle</a>, although that one would
 * read these pickles too. Its table of constructors is static, so that whoever registers one for {@code torch} changes what every
 * other user in the process reads, and entries cannot be taken away from its defaults; a class that it does not know is no error but becomes a
 * dict, where we need a refusal that names the class; and it allocates what a length prefix asks for before it looks at how many
 * bytes there are. PyTorch needs some sixty opcodes and fifty globals, which is little enough to write down and to bound.
 *
 * <p>{@link dev.tenon.frontend.pickle.TorchPickle} is the way in.
 */
package dev.tenon.frontend.pickle;
