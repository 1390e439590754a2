# SPDX-License-Identifier: Apache-2.0
"""C cut into tokens, for the checkers of this directory; comments and the insides of strings go."""
import re

DIRECTIVE_END = "\n"  # the end of a preprocessor line
SKIP = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)
TOKEN = re.compile(r"\\\n|\n|[A-Za-z_]\w*|\d[\w.]*|<<=|>>=|\.\.\.|->|\+\+|--|<<|>>|&&|\|\||"
                   r"[<>=!+\-*/%&|^]=|##|\S")


def strip(text):
    """The text without comments, line by line as before."""
    def blank(m):
        return m[0] if m[0][0] in "\"'" else re.sub(r"[^\n]", "", m[0]) or " "
    return SKIP.sub(blank, text)


def strip_strings(text):
    """The text without comments; strings and character constants are left empty."""
    def blank(m):
        return m[0][0] * 2 if m[0][0] in "\"'" else re.sub(r"[^\n]", "", m[0]) or " "
    return SKIP.sub(blank, text)


def tokens(text):
    """(line, token) of each token. A preprocessor line ends with DIRECTIVE_END."""
    line, directive, fresh = 1, False, True
    for m in TOKEN.finditer(strip_strings(text)):
        token = m[0]
        if token == "\\\n":
            line += 1
            continue
        if token == "\n":
            if directive:
                yield line, DIRECTIVE_END
            line, directive, fresh = line + 1, False, True
            continue
        directive = directive or (fresh and token == "#")
        fresh = False
        yield line, token
