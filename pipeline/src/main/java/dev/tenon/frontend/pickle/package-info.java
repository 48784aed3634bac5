/**
 * Python pickles as PyTorch's files contain them, interpreted without Python and without running anything.
 *
 * <p>The interpreter is our own, not <a href="https://github.com/irmen/pickle">net.razorvine:pickle</a>, which would read these
 * pickles too but cannot be held to what a hostile file must not do. From its source:
 * <ul>
 * <li>its table of constructors is one static map: what one user registers for {@code torch}, all users in the process get, and
 *   what it has by default cannot be taken away;
 * <li>a class that is not in the table is no error but becomes a dict, where a refusal that names the class is needed;
 * <li>BUILD looks up a method {@code __setstate__} of whatever object is there by reflection;
 * <li>a length prefix is allocated before anybody looks how many bytes there are: nine bytes can ask for two gigabytes;
 * <li>dicts become hash maps, so that the order of a state_dict is lost.
 * </ul>
 * PyTorch needs some sixty opcodes and fifty globals, which is little enough to write down and to bound.
 *
 * <p>{@link dev.tenon.frontend.pickle.TorchPickle} is the way in.
 */
package dev.tenon.frontend.pickle;
