package router

import (
	"context"
	"iter"
	"net/http"
)

// Params are the parameters of one request: what the wildcards of its route stand
// for, with percent-encoding undone. They are a value that stays valid for as long
// as anybody keeps it. The zero Params are none.
type Params struct {
	leaf *leaf
	text string // what at refers to: the path, or the values behind each other
	at   spans
}

// Len is the number of parameters.
func (p Params) Len() int {
	if p.leaf == nil {
		return 0
	}
	return len(p.leaf.names)
}

// Get returns the parameter called name, or "" if there is none.
func (p Params) Get(name string) string {
	v, _ := p.Lookup(name)
	return v
}

// Lookup returns the parameter called name and whether the route has one.
func (p Params) Lookup(name string) (value string, ok bool) {
	if p.leaf == nil {
		return "", false
	}
	for i, n := range p.leaf.names {
		if n == name {
			return p.value(i), true
		}
	}
	return "", false
}

func (p Params) value(i int) string { return p.text[p.at[i].from:p.at[i].to] }

// All yields the names and values in the order of the pattern.
func (p Params) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := range p.Len() {
			if !yield(p.leaf.names[i], p.value(i)) {
				return
			}
		}
	}
}

// Pattern is the pattern of the route, in its canonical form, or "".
func (p Params) Pattern() string {
	if p.leaf == nil {
		return ""
	}
	return p.leaf.text
}

// unescaped is p, found in a normalized path, with values without escapes.
func (p Params) unescaped() Params {
	plain := Params{leaf: p.leaf}
	for i := range p.Len() {
		from := len(plain.text)
		plain.text += unguarded.Replace(p.value(i))
		plain.at[i] = span{uint16(from), uint16(len(plain.text))}
	}
	return plain
}

// A ParamsHandler serves requests and gets their parameters as an argument, which
// takes no allocation. Everything else about it is like an [http.Handler], and it
// is one, for those who put it behind middleware or into another router.
type ParamsHandler interface {
	http.Handler
	ServeParams(w http.ResponseWriter, r *http.Request, p Params)
}

// ParamsFunc is a function that is a [ParamsHandler].
type ParamsFunc func(w http.ResponseWriter, r *http.Request, p Params)

var _ ParamsHandler = ParamsFunc(nil)

// ServeParams calls f.
func (f ParamsFunc) ServeParams(w http.ResponseWriter, r *http.Request, p Params) { f(w, r, p) }

// ServeHTTP calls f with the parameters that the request carries.
func (f ParamsFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f(w, r, ParamsFrom(r.Context()))
}

// ParamsFrom returns the parameters that the context of a request carries, those
// of the innermost router if there are several.
func ParamsFrom(ctx context.Context) Params {
	if c, ok := ctx.Value(paramsKey{}).(*paramsContext); ok {
		return c.params
	}
	return Params{}
}

// Param returns the parameter called name that the context of a request carries,
// or "". Where routers are nested, it looks in the innermost one first.
func Param(ctx context.Context, name string) string {
	for {
		c, ok := ctx.Value(paramsKey{}).(*paramsContext)
		if !ok {
			return ""
		}
		if v, ok := c.params.Lookup(name); ok {
			return v
		}
		ctx = c.Context //nolint:fatcontext // outwards, not inwards
	}
}

type paramsKey struct{}

// A paramsContext is a context with parameters.
type paramsContext struct {
	context.Context //nolint:containedctx // it is a context

	params Params
}

// Value returns the context itself for its own key.
func (c *paramsContext) Value(key any) any {
	if key == (paramsKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// A scoped request and its context live and die together, in one allocation.
type scoped struct {
	request http.Request
	context paramsContext
}

// withParams returns a copy of r that carries p in its context and as path values.
func withParams(r *http.Request, p *Params) *http.Request {
	s := new(scoped)
	s.context = paramsContext{r.Context(), *p}
	s.request = *r.WithContext(&s.context)
	for i, name := range p.leaf.names {
		s.request.SetPathValue(name, p.value(i))
	}
	return &s.request
}
