/**
 * Proposals of which tensor of a checkpoint belongs to which variable of a SavedModel, by names, shapes and order.
 *
 * <p>Both sides are taken as layers: the variables, or tensors, that share a path. Layers are candidates for each other if the
 * largest part of one, arranged anew, has the shape of the other's; among candidates an assignment of greatest total
 * resemblance is sought, several times over, as layers that are found tell how the paths of the two sides correspond.
 */
package dev.tenon.weights.match;
