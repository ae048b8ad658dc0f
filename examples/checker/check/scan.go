package check

import (
	"bytes"
	"go/ast"
	"go/scanner"
	"go/token"
)

// scan reads the tokens of a file before the parser may. It returns how many
// there are, and the source with its //line directives blanked: positions
// that the poster made up are no use to whoever reads the report. The bytes
// given are not written to.
func scan(name string, src []byte, lim Limits) (tokens int, clean []byte, err error) {
	clean = src
	file := token.NewFileSet().AddFile(name, -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	depth, prefix := 0, 0
	for ; ; tokens++ {
		pos, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return tokens, clean, nil
		case token.COMMENT:
			if len(lit) > 6 && lit[2:7] == "line " {
				clean = blank(clean, src, file.Offset(pos)+2)
			}
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		prefix = prefixRun(prefix, tok)
		switch {
		case depth > lim.Nesting:
			return 0, nil, tooComplex(name, "brackets nested too deep", lim.Nesting)
		case prefix > lim.Nesting:
			return 0, nil, tooComplex(name, "too many prefix operators in a row", lim.Nesting)
		case tokens >= lim.Tokens:
			return 0, nil, &InputError{Reason: TooLarge, Op: "scan", Name: name, What: "too many tokens in all", Limit: lim.Tokens}
		}
	}
}

// blank returns clean with the word line at an offset replaced by spaces,
// after copying it if it is still src.
func blank(clean, src []byte, offset int) []byte {
	if &clean[0] == &src[0] {
		clean = bytes.Clone(src)
	}
	copy(clean[offset:], "    ")
	return clean
}

// prefixRun counts tokens of the kind that may precede an operand or a type
// any number of times.
func prefixRun(n int, tok token.Token) int {
	switch tok {
	case token.NOT, token.SUB, token.ADD, token.MUL, token.AND, token.XOR,
		token.TILDE, token.ARROW, token.CHAN, token.LBRACK:
		return n + 1
	case token.RBRACK:
		return n // of []
	}
	return 0
}

// maxTypeCases is how many cases a type switch may have: go/types compares
// each with every other.
const maxTypeCases = 5000

// measureTree refuses a tree that go/types would recurse into too deep. The
// parser's own limit, 100,000 levels, is what keeps this walk safe.
func measureTree(name string, tree *ast.File, lim Limits) error {
	var err error
	depth := 0
	ast.Inspect(tree, func(n ast.Node) bool {
		if n == nil {
			depth--
			return true
		}
		if err != nil {
			return false
		}
		if depth >= lim.Depth {
			err = tooComplex(name, "syntax tree too deep", lim.Depth)
			return false
		}
		if s, ok := n.(*ast.TypeSwitchStmt); ok && typeCases(s) > maxTypeCases {
			err = tooComplex(name, "too many cases in a type switch", maxTypeCases)
			return false
		}
		depth++
		return true
	})
	return err
}

// typeCases counts the types in the cases of a type switch.
func typeCases(s *ast.TypeSwitchStmt) int {
	n := 0
	for _, clause := range s.Body.List {
		if c, ok := clause.(*ast.CaseClause); ok {
			n += len(c.List)
		}
	}
	return n
}

func tooComplex(name, what string, limit int) *InputError {
	return &InputError{Reason: TooComplex, Op: "guard", Name: name, What: what, Limit: limit}
}
