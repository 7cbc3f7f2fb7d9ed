/** Starts the page: styles, language, then the app. */
import { mount } from 'svelte';
import { browserLanguage, setLanguage } from '$shared/i18n/index.svelte';
import '$shared/styles/tokens.css';
import '$shared/styles/ui.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
await setLanguage(browserLanguage());
mount(App, { target });
