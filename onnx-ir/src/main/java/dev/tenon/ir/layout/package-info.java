/** The assignment of channels-last layout, by the meaning of operators. */
package dev.tenon.ir.layout;
