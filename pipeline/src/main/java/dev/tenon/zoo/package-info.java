/** Converting many models at once, each in a process of its own. */
package dev.tenon.zoo;
