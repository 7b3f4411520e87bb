package json_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/kodexa-community/kodexa-go/gen"
	codec "github.com/kodexa-community/kodexa-go/internal/json"
)

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	build := func() gen.Session {
		return gen.Session{
			ID: new("a"), CreatedOn: new(time.Date(2023, 11, 7, 5, 31, 56, 0, time.UTC)), OrganizationID: nullable.NewNullableWithValue("b"),
			Organization: &gen.Organization{
				Features: &map[string]codec.RawMessage{"f": codec.RawMessage(`1`), "n": nil},
				Memory:   &gen.OrganizationMemory{OrderedDashboards: &[]string{"c", "d"}},
			},
			AdditionalProperties: map[string]codec.RawMessage{"x": codec.RawMessage(`"y"`)},
		}
	}
	original, want := build(), build()
	clone := original.Clone()
	if !reflect.DeepEqual(clone, want) {
		t.Error("the clone is another")
	}
	*clone.ID, *clone.CreatedOn, clone.OrganizationID[true] = "z", time.Time{}, "z"
	(*clone.Organization.Features)["f"][0] = '2'
	(*clone.Organization.Features)["g"] = nil
	(*clone.Organization.Memory.OrderedDashboards)[0] = "z"
	clone.AdditionalProperties["x"][1] = 'z'
	clone.Set("w", codec.RawMessage(`1`))
	if !reflect.DeepEqual(original, want) {
		t.Error("a change of the clone changed the original")
	}
	if empty := (gen.Session{}).Clone(); !reflect.DeepEqual(empty, gen.Session{}) {
		t.Errorf("the clone of nothing is %#v", empty)
	}
}

func TestCloneOfAnyKind(t *testing.T) {
	t.Parallel()
	type model struct {
		Any   any
		Lists [][]string
		Maps  map[string]map[string][]byte
		Many  []*model
	}
	build := func() model {
		return model{
			Any: map[string]any{"a": []any{1, "b", nil}}, Lists: [][]string{nil, {}, {"c"}}, Maps: map[string]map[string][]byte{"m": {"n": {1}}},
			Many: []*model{nil, {Any: &model{Any: 1}}},
		}
	}
	original, want := build(), build()
	clone := codec.Clone(original)
	if !reflect.DeepEqual(clone, want) {
		t.Errorf("the clone is %#v", clone)
	}
	clone.Any.(map[string]any)["a"].([]any)[0] = 2 //nolint:forcetypeassert // made above
	clone.Lists[2][0] = "z"
	clone.Maps["m"]["n"][0] = 2
	clone.Many[1].Any.(*model).Any = 2 //nolint:forcetypeassert // made above
	if !reflect.DeepEqual(original, want) {
		t.Errorf("a change of the clone changed the original to %#v", original)
	}
}
