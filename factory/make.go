package factory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/roster-go/roster"
)

// FromJSON makes a product of the factory called name, whose config is a JSON
// object. No data at all is the config that leaves out everything.
//
// The error is a [*roster.UnknownError] for the name, a [*ConfigError] with all
// faults of the config, or a [*BuildError] of the constructor. The context is the
// constructor's.
func FromJSON[P any](ctx context.Context, v roster.View[*Factory[P]], name string, data []byte) (P, error) {
	return produce(ctx, v, name, func(c *config) (reflect.Value, error) { return c.fromJSON(data) })
}

// FromMap is [FromJSON] for a config that another decoder has read, such as one for
// YAML or TOML. A whole number is an integer even if it is a float64.
func FromMap[P any](ctx context.Context, v roster.View[*Factory[P]], name string, m map[string]any) (P, error) {
	return produce(ctx, v, name, func(c *config) (reflect.Value, error) {
		tree, err := fromMap(m)
		return c.finish(tree, nil, err)
	})
}

// FromURL makes a product of the factory whose name is the scheme of a URL, so it
// has lower case letters, digits, +, - and . only. The
// parts of the URL go to the fields with a tag `url`, the query to the fields it
// names: a list is given by repeating its name, a field of an inner object as
// inner.field. What no field asks for is a fault. No error tells anything of the URL
// but its scheme and the names in its query.
func FromURL[P any](ctx context.Context, v roster.View[*Factory[P]], text string) (P, error) {
	u, err := parseURL(text)
	if err != nil {
		var none P
		return none, asConfigError(v.Name(), "", err)
	}
	return produce(ctx, v, u.Scheme, func(c *config) (reflect.Value, error) {
		tree, err := fromURL(u, c.shape)
		return c.finish(tree, nil, err)
	})
}

// FromTyped makes a product of a JSON object, one field of which is the name of the
// factory and the others its config, as in {"type": "redis", "address": "…"}.
func FromTyped[P any](ctx context.Context, v roster.View[*Factory[P]], field string, data []byte) (P, error) {
	name, tree, err := fromTyped(field, data)
	if err != nil {
		var none P
		return none, asConfigError(v.Name(), name, err)
	}
	return produce(ctx, v, name, func(c *config) (reflect.Value, error) { return c.finish(tree, data, nil) })
}

// Check tells whether FromJSON would call the constructor. The error is the one
// that it would return before that.
func Check[P any](v roster.View[*Factory[P]], name string, data []byte) error {
	f, err := v.Lookup(name)
	if err != nil {
		return err
	}
	_, err = f.fromJSON(data)
	return asConfigError(v.Name(), name, err)
}

func produce[P any](
	ctx context.Context, v roster.View[*Factory[P]], name string, decode func(*config) (reflect.Value, error),
) (P, error) {
	var none P
	f, err := v.Lookup(name)
	if err != nil {
		return none, err
	}
	x, err := decode(f.config)
	if err != nil {
		return none, asConfigError(v.Name(), name, err)
	}
	return f.make(ctx, v.Name(), name, x)
}

func (c *config) fromJSON(data []byte) (reflect.Value, error) {
	if len(data) == 0 {
		return c.finish(value{is: record, offset: -1}, nil, nil)
	}
	tree, err := fromJSON(data)
	return c.finish(tree, data, err)
}

// finish decodes a tree, unless reading it failed.
func (c *config) finish(tree value, data []byte, err error) (reflect.Value, error) {
	if err != nil {
		return reflect.Value{}, err
	}
	x, faulty := c.decode(&tree, data)
	if faulty != nil {
		return x, faulty
	}
	return x, nil
}

func fromTyped(field string, data []byte) (name string, tree value, err error) {
	if tree, err = fromJSON(data); err != nil {
		return "", tree, err
	}
	where := &FieldError{Path: shortened(field)}
	where.Line, where.Column = position(data, tree.offset)
	if tree.is != record {
		where.Path, where.Problem = "", fmt.Sprintf("an object with the field %s is wanted, and %s is there", field, tree.words())
		return "", tree, where
	}
	i := slices.IndexFunc(tree.pairs, func(p pair) bool { return p.key == field })
	if i < 0 {
		where.Problem = "it is missing, and names the factory"
		return "", tree, where
	}
	if of := tree.pairs[i].value; of.is != str {
		where.Line, where.Column = position(data, of.offset)
		where.Problem = fmt.Sprintf("the name of a factory is wanted, and %s is there", of.words())
		return "", tree, where
	}
	name = tree.pairs[i].value.text
	tree.pairs = slices.Delete(tree.pairs, i, i+1)
	return name, tree, nil
}

// asConfigError says whose config it is.
func asConfigError(registry, name string, err error) error {
	if err == nil {
		return nil
	}
	faulty, ok := errors.AsType[*ConfigError](err)
	if !ok {
		faulty = new(ConfigError)
		if fault, ok := errors.AsType[*FieldError](err); ok {
			faulty.Faults = []*FieldError{fault}
		}
	}
	faulty.Registry, faulty.Name = registry, name
	return faulty
}
