package check

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
)

// decls holds everything declared by name in the units of a source.
type decls struct {
	nodes []*node
	byKey map[declKey]int
	files []*scopedFile
}

// A declKey names what a unit declares. Methods are named with a dot before.
type declKey struct {
	unit *unit
	name string
}

// A node is a name and the declarations that give it a meaning.
type node struct {
	key   declKey
	specs []*spec
}

// A spec is one declaration of one name.
type spec struct {
	file  *scopedFile
	local bool          // inside a function
	typ   *ast.TypeSpec // of a type
	sig   *ast.FuncType // of a function or method
	body  ast.Node      // and its body, if it has one
	tok   token.Token   // CONST or VAR, of others
	exprs []ast.Expr    // and their type and values
}

// A scopedFile knows the units that its file imports.
type scopedFile struct {
	*file
	unit    *unit
	imports map[string]*unit // by the name used in the file
	dots    []*unit          // imported with a dot
}

// collectDecls finds the declarations of all units, inside functions too.
func collectDecls(units []*unit) *decls {
	d := &decls{byKey: make(map[declKey]int)}
	byPath := make(map[string]*unit)
	for _, u := range units {
		byPath[u.path] = u
	}
	for _, u := range units {
		for _, f := range u.files {
			sf := scopeFile(f, u, byPath)
			d.files = append(d.files, sf)
			for _, top := range f.tree.Decls {
				d.collectTop(sf, top)
			}
		}
	}
	return d
}

func scopeFile(f *file, u *unit, byPath map[string]*unit) *scopedFile {
	sf := &scopedFile{file: f, unit: u, imports: make(map[string]*unit)}
	for _, imp := range f.tree.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		dep := byPath[p]
		switch {
		case dep == nil:
		case imp.Name == nil:
			sf.imports[dep.files[0].tree.Name.Name] = dep
			sf.imports[path.Base(p)] = dep
		case imp.Name.Name == ".":
			sf.dots = append(sf.dots, dep)
		default:
			sf.imports[imp.Name.Name] = dep
		}
	}
	return sf
}

// collectTop adds a declaration at package level and those inside it.
func (d *decls) collectTop(f *scopedFile, top ast.Decl) {
	switch top := top.(type) {
	case *ast.GenDecl:
		d.collect(f, top, false)
	case *ast.FuncDecl:
		name := top.Name.Name
		if top.Recv != nil {
			name = "." + name
		}
		s := &spec{file: f, sig: top.Type}
		if top.Body != nil {
			s.body = top.Body
		}
		d.add(f, name, s)
	}
	ast.Inspect(top, func(n ast.Node) bool {
		if s, ok := n.(*ast.DeclStmt); ok {
			if gen, ok := s.Decl.(*ast.GenDecl); ok {
				d.collect(f, gen, true)
			}
		}
		return true
	})
}

// collect adds the names of one declaration.
func (d *decls) collect(f *scopedFile, gen *ast.GenDecl, local bool) {
	var last *ast.ValueSpec // whose values a constant without any repeats
	for _, s := range gen.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			d.add(f, s.Name.Name, &spec{file: f, local: local, typ: s})
		case *ast.ValueSpec:
			if gen.Tok != token.CONST || len(s.Values) > 0 || last == nil {
				last = s
			}
			for i, name := range s.Names {
				d.add(f, name.Name, &spec{file: f, local: local, tok: gen.Tok, exprs: initializer(last, i)})
			}
		}
	}
}

// initializer returns the expressions that give the i'th name of s its value
// and type.
func initializer(s *ast.ValueSpec, i int) []ast.Expr {
	var exprs []ast.Expr
	if s.Type != nil {
		exprs = append(exprs, s.Type)
	}
	if len(s.Values) == len(s.Names) && i < len(s.Values) {
		return append(exprs, s.Values[i])
	}
	return append(exprs, s.Values...)
}

func (d *decls) add(f *scopedFile, name string, s *spec) {
	if name == "_" && s.local {
		return
	}
	key := declKey{f.unit, name}
	id, ok := d.byKey[key]
	if !ok {
		id = len(d.nodes)
		d.byKey[key] = id
		d.nodes = append(d.nodes, &node{key: key})
	}
	d.nodes[id].specs = append(d.nodes[id].specs, s)
}

// lookup returns the nodes that an identifier or a qualified identifier may
// mean in a file.
func (d *decls) lookup(f *scopedFile, e ast.Expr) []int {
	switch e := e.(type) {
	case *ast.Ident:
		ids := d.find(nil, f.unit, e.Name)
		for _, u := range f.dots {
			ids = d.find(ids, u, e.Name)
		}
		return ids
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && f.imports[x.Name] != nil {
			return d.find(nil, f.imports[x.Name], e.Sel.Name)
		}
	}
	return nil
}

func (d *decls) find(ids []int, u *unit, name string) []int {
	if id, ok := d.byKey[declKey{u, name}]; ok {
		return append(ids, id)
	}
	return ids
}

// where names a node for messages.
func (n *node) where() string {
	return n.specs[0].file.name + ": " + n.key.name
}
