import type { z } from "zod";

/** A controller of control groups (cgroups(7)). */
export type Controller = "cpu" | "io" | "memory" | "pids";

/** A property of a container's slice, and what the kernel makes of it. */
export interface SliceSetting<T> {
  /** Of systemd.resource-control(5). */
  property: string;
  /** As systemctl set-property takes it; empty for systemd's default. */
  toProperty(value: T | undefined): string;
  /** The file of the control group, and what it holds then (the kernel's cgroup-v2.rst). */
  file: string;
  toKernel(value: T | undefined): string;
}

/**
 * A limit of what a container may use. It is kept by a slice of systemd's outside of what the container's root may write, and
 * changed while the container runs. A new one is a file like those beside this one, and an entry in index.ts: the inputs of
 * LxcDomain, LxcContainer and of the configuration, what is set, drift and the table in docs/limits.md follow from it.
 */
export interface Limit<T> {
  /** Of the input. Its description is the documentation of it: what is limited, in which unit, what the default is. */
  schema: z.ZodType<T>;
  controller: Controller;
  settings: readonly [SliceSetting<T>, ...SliceSetting<T>[]];
  /** The value that the first setting's file stands for; undefined for no limit. */
  fromKernel(text: string): T | undefined;
}
