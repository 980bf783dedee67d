package deploy

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// google stands in for Google's provider, which is too large to be built here.
// It knows those arguments of those resources that the module uses, with the
// types and obligations that the documentation of provider google 7.45.0 gives
// them, so that every other argument is refused: whoever uses a new one looks
// it up there and adds it. It plans, and never applies.
func google() *schema.Provider {
	p := &schema.Provider{
		Schema:       fields{"project": text(), "region": text()},
		ResourcesMap: map[string]*schema.Resource{},
	}
	for _, of := range []map[string]fields{computing(), storing(), watching()} {
		for name, arguments := range of {
			p.ResourcesMap[name] = resource(arguments)
		}
	}
	return p
}

type fields = map[string]*schema.Schema

func resource(arguments fields) *schema.Resource {
	return &schema.Resource{
		Schema: arguments, CreateContext: schema.NoopContext, ReadContext: schema.NoopContext,
		UpdateContext: schema.NoopContext, DeleteContext: schema.NoopContext,
	}
}

func field(t schema.ValueType) *schema.Schema { return &schema.Schema{Type: t, Optional: true} }
func text() *schema.Schema                    { return field(schema.TypeString) }
func number() *schema.Schema                  { return field(schema.TypeInt) }
func flag() *schema.Schema                    { return field(schema.TypeBool) }

func texts() *schema.Schema { return listOf(text(), schema.TypeList) }
func table() *schema.Schema { return listOf(text(), schema.TypeMap) }

func listOf(elem *schema.Schema, t schema.ValueType) *schema.Schema {
	return &schema.Schema{Type: t, Optional: true, Elem: &schema.Schema{Type: elem.Type}}
}

// block may stand once, blocks any number of times.
func block(of fields) *schema.Schema {
	b := blocks(of)
	b.MaxItems = 1
	return b
}

func blocks(of fields) *schema.Schema {
	return &schema.Schema{Type: schema.TypeList, Optional: true, Elem: &schema.Resource{Schema: of}}
}

func must(s *schema.Schema) *schema.Schema {
	s.Optional, s.Required = false, true
	return s
}

// known only after something has been made.
func computed() *schema.Schema { return &schema.Schema{Type: schema.TypeString, Computed: true} }
