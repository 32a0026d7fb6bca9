"""The grammar of expressions, for Lark's LALR parser."""

GRAMMAR = r"""
?start: value

?value: either
      | either "if" either "else" value      -> conditional

?either: both
       | both ("or" both)+                   -> any_of

?both: negation
     | negation ("and" negation)+            -> all_of

?negation: comparison
         | NOT negation                      -> prefix

?comparison: sum
           | sum COMPARE sum                 -> compare
           | sum "in" list                   -> member
           | sum NOT "in" list               -> not_member

list: "[" value ("," value)* "]"

?sum: product
    | product (SIGN product)+                -> chain

?product: signed
        | signed (TIMES signed)+             -> chain

?signed: power
       | SIGN signed                         -> prefix

?power: atom
      | atom POWER signed                    -> infix

?atom: NUMBER                                -> number
     | BOOLEAN                               -> boolean
     | NAME                                  -> word
     | NAME "(" value ("," value)* ")"       -> call
     | NAME "(" ")"                          -> call
     | "(" value ")"

NOT: "not"
BOOLEAN.2: /(true|false)(?![A-Za-z0-9_])/
COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
POWER: "**"
TIMES: "*" | "/"
SIGN: "+" | "-"
NUMBER: /([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?/
NAME: /[A-Za-z_][A-Za-z0-9_]*/

%import common.WS
%ignore WS
"""
