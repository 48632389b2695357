import * as pulumi from "@pulumi/pulumi";

/**
 * Makes the input `retain` follow the option retainOnDelete, wherever that comes from. A constructor does not see what the engine
 * inherits from the parents, but a transform of the resource itself does (pkg/resource/deploy/source_eval.go, RegisterResource:
 * first the parents' options, then the transforms of the resource, then those of its parents and of the stack). So it misses only
 * a transform of a parent or of the stack that sets the option of this one resource and not of its parent.
 */
export function followRetainOnDelete(): pulumi.ResourceTransform[] {
  // The monitor of Pulumi's mocks has no transforms, and would refuse the resource.
  const monitor = pulumi.runtime.getMonitor();
  if (monitor !== undefined && !("registerStackTransform" in monitor)) return [];
  return [
    ({ props, opts }) => {
      const retain = opts.retainOnDelete ?? false;
      // Properties that a transform returns lose which resources each of them depends on, and with it who is deleted before whom
      // in a replacement. Of what is retained nothing is deleted; the others stay as they are.
      return retain === (props.retain ?? false) ? undefined : { props: { ...props, retain }, opts };
    },
  ];
}
