/** The contract's types for the person signed in, set-up and settings. */
import type { Agent, Snapshot } from './types';

export type Language = 'en' | 'pl';
export type Theme = 'auto' | 'light' | 'dark';
export type Density = 'comfortable' | 'compact';
export type Preferences = { theme: Theme; density: Density; shortcuts: boolean };

export type Me = {
  agent: Agent;
  workspace: { name: string; hostname: string };
  language: Language;
  preferences: Preferences;
  may: { write: boolean; manage: boolean };
  undo_seconds: number;
  disk: 'enough' | 'scarce' | 'low';
  /** Addresses whose mail cannot be fetched, for who may manage. */
  broken_channels: string[];
} & Snapshot;

export type MePatch = {
  name?: string;
  language?: Language;
  preferences?: Partial<Preferences>;
  password?: { current: string; new: string };
};

export type SetupBody = {
  token: string;
  workspace_name: string;
  name: string;
  email: string;
  password: string;
  inbox_name: string;
  language: Language;
};

export type Relay = {
  host: string;
  port: number;
  tls: 'required' | 'starttls' | 'none';
  username: string | null;
  has_password: boolean;
  source: 'config' | 'workspace' | 'none';
} & Snapshot;
export type RelayBody = { host: string; port: number; tls: Relay['tls']; username?: string | null; password?: string };
export type RelayTest = { outcome: 'accepted' | 'refused' | 'error'; reply: string };
