package dev.tenon.ir.layout;

/**
 * A layout to be chosen, or one that is given.
 *
 * @param variable number of the variable in the problem; of no meaning if the layout is given
 * @param given null if it is to be chosen
 */
record Choice(int variable, Layout given) {
  static Choice of(int variable) {
    return new Choice(variable, null);
  }

  static Choice given(Layout layout) {
    return new Choice(-1, layout);
  }

  /** @param answers by variable: true for channels-last */
  Layout in(boolean[] answers) {
    return given != null ? given : answers[variable] ? Layout.CHANNELS_LAST : Layout.CHANNELS_FIRST;
  }
}
