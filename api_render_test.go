package hem_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// surface returns what p exports, one line each, sorted, in the manner of the
// standard library's api/*.txt: parameters have types and no names, so that
// renaming one is no change.
//
// It reads syntax, so types are spelt as in the source, and what an exported
// struct gains by embedding shows as the embedded type alone.
func surface(p *pkg) []string {
	s := &surfacer{prefix: "pkg " + short(p.path) + ", "}
	for _, file := range p.files {
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				s.function(decl)
			case *ast.GenDecl:
				s.declaration(decl)
			}
		}
	}
	slices.Sort(s.lines)
	return slices.Compact(s.lines) // platforms may declare the same name
}

// A surfacer collects the lines of one package.
type surfacer struct {
	prefix string
	lines  []string
}

func (s *surfacer) linef(format string, args ...any) {
	s.lines = append(s.lines, s.prefix+fmt.Sprintf(format, args...))
}

func (s *surfacer) function(f *ast.FuncDecl) {
	if !f.Name.IsExported() {
		return
	}
	signature := render(&ast.FuncType{Params: f.Type.Params, Results: f.Type.Results})
	signature = strings.TrimPrefix(signature, "func")
	if f.Recv == nil {
		s.linef("func %s%s%s", f.Name.Name, typeParams(f.Type.TypeParams), signature)
		return
	}
	recv := f.Recv.List[0].Type
	if ast.IsExported(receiverBase(recv)) {
		s.linef("method (%s) %s%s", render(recv), f.Name.Name, signature)
	}
}

func (s *surfacer) declaration(d *ast.GenDecl) {
	switch d.Tok {
	case token.TYPE:
		for _, spec := range d.Specs {
			if spec := spec.(*ast.TypeSpec); spec.Name.IsExported() {
				s.typ(spec)
			}
		}
	case token.VAR:
		for _, spec := range d.Specs {
			s.variables(spec.(*ast.ValueSpec))
		}
	case token.CONST:
		s.constants(d.Specs)
	}
}

func (s *surfacer) typ(spec *ast.TypeSpec) {
	name := spec.Name.Name
	head := "type " + name + typeParams(spec.TypeParams)
	if spec.Assign.IsValid() {
		s.linef("%s = %s", head, render(spec.Type))
		return
	}
	switch t := spec.Type.(type) {
	case *ast.StructType:
		s.linef("%s struct", head)
		s.fields("type "+name+" struct", t.Fields)
	case *ast.InterfaceType:
		s.linef("%s interface %s", head, braced(methodNames(t)))
		s.methods("type "+name+" interface", t)
	default:
		s.linef("%s %s", head, render(spec.Type))
	}
}

func (s *surfacer) fields(head string, fields *ast.FieldList) {
	for _, field := range fields.List {
		if len(field.Names) == 0 {
			s.linef("%s, embedded %s", head, render(field.Type))
		}
		for _, name := range field.Names {
			if name.IsExported() {
				s.linef("%s, %s %s", head, name.Name, render(field.Type))
			}
		}
	}
}

// methodNames lists an interface as its first line does. Unexported methods
// count as one, because having any is what closes an interface to others.
func methodNames(t *ast.InterfaceType) []string {
	var names []string
	closed := false
	for _, field := range t.Methods.List {
		if len(field.Names) == 0 {
			names = append(names, render(field.Type))
		}
		for _, name := range field.Names {
			if name.IsExported() {
				names = append(names, name.Name)
			} else {
				closed = true
			}
		}
	}
	slices.Sort(names)
	if closed {
		names = append(names, "unexported methods")
	}
	return names
}

func braced(names []string) string {
	if len(names) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(names, ", ") + " }"
}

func (s *surfacer) methods(head string, t *ast.InterfaceType) {
	for _, field := range t.Methods.List {
		for _, name := range field.Names {
			if name.IsExported() {
				s.linef("%s, %s%s", head, name.Name, strings.TrimPrefix(render(field.Type), "func"))
			}
		}
	}
}

// variables shows a type where the source states one. What a variable is
// initialised with is no promise.
func (s *surfacer) variables(spec *ast.ValueSpec) {
	for _, name := range spec.Names {
		if !name.IsExported() {
			continue
		}
		if spec.Type == nil {
			s.linef("var %s", name.Name)
		} else {
			s.linef("var %s %s", name.Name, render(spec.Type))
		}
	}
}

// constants shows type and value, which a group may state once for many.
func (s *surfacer) constants(specs []ast.Spec) {
	var typ ast.Expr
	var values []ast.Expr
	for iota, spec := range specs {
		spec := spec.(*ast.ValueSpec)
		if len(spec.Values) > 0 {
			typ, values = spec.Type, spec.Values
		}
		for i, name := range spec.Names {
			if !name.IsExported() {
				continue
			}
			line := "const " + name.Name
			if typ != nil {
				line += " " + render(typ)
			}
			if i < len(values) {
				line += " = " + constantValue(values[i], iota)
			}
			s.linef("%s", line)
		}
	}
}

// constantValue renders the value of a constant declared at a position in its
// group. An expression over other names stays one.
func constantValue(value ast.Expr, position int) string {
	expr, err := parser.ParseExpr(source(value)) // a copy to write in
	if err != nil {
		return render(value)
	}
	ast.Inspect(expr, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "iota" {
			id.Name = strconv.Itoa(position)
		}
		return true
	})
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, source(expr))
	switch {
	case err != nil || v.Value == nil:
		return render(expr)
	case v.Value.Kind() == constant.Float:
		return v.Value.String() // exactly, 1.5 is 3/2
	}
	return v.Value.ExactString()
}

// typeParams renders [K comparable, V any], or nothing.
func typeParams(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var params []string
	for _, field := range list.List {
		for _, name := range field.Names {
			params = append(params, name.Name+" "+render(field.Type))
		}
	}
	return "[" + strings.Join(params, ", ") + "]"
}

// render prints a type on one line, with the names of parameters left out. It
// leaves them out of node too, which belongs to the test that parsed it.
func render(node ast.Expr) string {
	ast.Inspect(node, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncType); ok {
			f.Params, f.Results = unnamed(f.Params), unnamed(f.Results)
		}
		return true
	})
	return strings.Join(strings.Fields(source(node)), " ")
}

// source prints syntax as gofmt would if it had been written without line
// breaks: the empty file set knows none.
func source(node ast.Expr) string {
	var b strings.Builder
	if err := format.Node(&b, token.NewFileSet(), node); err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	return b.String()
}

// unnamed returns a parameter list with one field, without a name, for each.
func unnamed(list *ast.FieldList) *ast.FieldList {
	if list == nil {
		return nil
	}
	bare := &ast.FieldList{}
	for _, field := range list.List {
		for range max(1, len(field.Names)) {
			bare.List = append(bare.List, &ast.Field{Type: field.Type})
		}
	}
	return bare
}
